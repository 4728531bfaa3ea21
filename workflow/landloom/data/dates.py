"""The image of a place at other days, as layers of a sample: one layer a day, with a band of validity."""

from datetime import date

import numpy as np

from landloom.data.layers import Layer
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.series import Frame

NAME = "dates"
"""Layers with the bands, type and units of the dataset's images, on the sample's grid. The band behind them
is 1 where the others hold data, else 0."""


def layer(frame: Frame) -> Layer:
    """The layer of one day."""
    valid = frame.valid[None].astype(frame.values.dtype)
    return Layer(NAME, codec.encode(np.concatenate([frame.values, valid])), acquired=frame.acquired)


def frames(sample: Sample) -> list[Frame]:
    """The other days that a sample knows, in their order.

    Raises:
        InputError: a layer has no day, or lies on a grid of its own.
    """
    found = []
    for one in sample.layer(NAME):
        if one.acquired is None or one.transform not in (None, sample.transform):
            lacks = "has no day" if one.acquired is None else "lies on a grid of its own"
            raise InputError(sample.id, f"a layer '{NAME}' {lacks}", "Give the day, on the sample's own grid")
        bands = one.array()
        found.append(Frame(bands[:-1], bands[-1] > 0, one.acquired))
    return sorted(found, key=lambda frame: frame.acquired)


def told(tile: Sample, wish: date | None) -> list[Layer]:
    """The other days of a real tile, seen from the day that is wished for; its own is then one of them."""
    layers, own = tile.layer(NAME), tile.meta.acquired if tile.meta else None
    if not layers or wish is None or own is None or wish == own or tile.image is None:
        return layers
    image = tile.image_array()
    valid = np.isfinite(image).all(0)
    return [*layers, layer(Frame(np.where(valid, image, 0), valid, own))]

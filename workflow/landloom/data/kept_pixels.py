"""Pixels of a sample that its image must keep: two layers of the sample say which, and what they hold."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landloom.data.layers import Layer
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster import codec

PIXELS = "known_pixels"
"""Layer with the bands, type and units of the dataset's images, on the sample's grid."""
WHERE = "known_where"
"""Layer with one band: 0 where ``PIXELS`` is to be painted anew. Without it, all with data is known."""


class Kept(NamedTuple):
    """Known pixels of one sample.

    Attributes:
        values: in the dataset's own units (C, H, W); what is not known may hold anything.
        known: True where they are to be kept (H, W).
    """

    values: NDArray[Any]
    known: NDArray[np.bool_]

    def into(self, image: NDArray[Any]) -> NDArray[Any]:
        """An image (C, H, W) in the dataset's own units with the known pixels put into it, bit for bit."""
        return np.where(self.known, self.values, image)


def layers(values: NDArray[Any], known: NDArray[np.bool_]) -> list[Layer]:
    """The layers that have an image keep the pixels ``known`` (H, W) of ``values`` (C, H, W)."""
    return [Layer(PIXELS, codec.encode(values)), Layer(WHERE, codec.encode(known.astype(np.uint8)))]


def of(sample: Sample) -> Kept | None:
    """What the image of a sample must keep; None if it may be all new. A pixel with no data is not known."""
    found, where = sample.layer(PIXELS), sample.layer(WHERE)
    if not found:
        return None
    values = found[0].array()
    known = np.isfinite(values).all(0)
    return Kept(values, known & (where[0].array()[0] > 0) if where else known)


def check(rows: Sequence[Sample], dataset: Statistics) -> None:
    """Make sure that what the samples of a shard are to keep fits their images.

    Raises:
        InputError: it does not; the first sample is named, and how many are alike.
    """
    for wrong, remedy in RULES:
        found = [(row, text) for row in rows if (text := wrong(row, dataset))]
        if found:
            row, text = found[0]
            others = f" (and {len(found) - 1} more samples have this problem)" if len(found) > 1 else ""
            raise InputError(row.id, text + others, remedy)


def _count(row: Sample, dataset: Statistics) -> str:
    pixels, where = len(row.layer(PIXELS)), len(row.layer(WHERE))
    if pixels > 1 or where > 1 or where > pixels:
        return f"has {pixels} layers '{PIXELS}' and {where} layers '{WHERE}'"
    return ""


def _grid(row: Sample, dataset: Statistics) -> str:
    own = [*row.layer(PIXELS), *row.layer(WHERE)]
    odd = [layer for layer in own if layer.transform not in (None, row.transform)]
    return f"its layer '{odd[0].name}' lies on a grid of its own, {odd[0].transform}" if odd else ""


def _shape(row: Sample, dataset: Statistics) -> str:
    wanted = {PIXELS: dataset.bands, WHERE: 1}
    for layer in row.layers:
        if layer.name not in wanted:
            continue
        bands, *sides = layer.array().shape
        if (bands, *sides) != (wanted[layer.name], dataset.size, dataset.size):
            return (
                f"its layer '{layer.name}' has {_shown(bands, *sides)}, but the tiles ask for "
                f"{_shown(wanted[layer.name], dataset.size, dataset.size)}"
            )
    return ""


def _shown(bands: int, height: int, width: int) -> str:
    return f"{bands} band{'s' if bands > 1 else ''} of {height} x {width} pixels"


def _type(row: Sample, dataset: Statistics) -> str:
    kinds = {la.array().dtype.name for la in row.layer(PIXELS)} - {dataset.dtype}
    return f"its layer '{PIXELS}' is {kinds.pop()}, but the images are {dataset.dtype}" if kinds else ""


def _share(row: Sample, dataset: Statistics) -> str:
    kept = of(row)
    if kept is None or (kept.known.any() and not kept.known.all()):
        return ""
    known = "every pixel of its layer" if kept.known.any() else "no pixel of its layer"
    return f"{known} '{PIXELS}' is known"


RULES: tuple[tuple[Callable[[Sample, Statistics], str], str], ...] = (
    (_count, f"Give one '{PIXELS}', and at most one '{WHERE}' beside it"),
    (_grid, "Bring it to the sample's own grid first, and leave its transform out"),
    (_shape, "Cut it as the tile is cut, with all bands"),
    (_type, "Give it in the units and the type of the dataset's images"),
    (_share, f"Hide some pixels with a layer '{WHERE}' (0 where to paint), or leave both layers out"),
)
"""What may be wrong with one sample, from the first to look at, and what to do about it."""

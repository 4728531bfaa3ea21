"""Coarse images of samples: what a fine image shall agree with, block by block."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landloom.data.layers import Layer
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec

LAYER = "low_resolution"
"""Layer with the bands and units of the dataset's images, each pixel the mean of a block of the sample."""
ROUNDS = 8
"""Times that what was cut off at the limits of a type is given to the other pixels of a block."""


class Coarse(NamedTuple):
    """A coarse image.

    Attributes:
        means: in the dataset's own units (C, h, w), in double precision.
        known: share of each block that holds data (h, w).
    """

    means: NDArray[np.float64]
    known: NDArray[np.float64]


def layers(means: NDArray[Any], known: NDArray[np.bool_]) -> list[Layer]:
    """The layer of a coarse image (C, h, w), of which some pixels (h, w) hold data; NaN elsewhere."""
    exact = means.astype(np.float64 if means.dtype.itemsize > 2 else np.float32)
    return [Layer(LAYER, codec.encode(np.where(known, exact, np.nan)))]


def of(sample: Sample, factor: int, side: int) -> Coarse | None:
    """The coarse image of a sample, from its layer or its own image; None if it has neither.

    Args:
        sample: the sample.
        factor: pixels of the sample, per side, in a coarse one.
        side: coarse pixels along a side of the sample.

    Raises:
        InputError: the layer has another size.
    """
    found = sample.layer(LAYER)
    if found:
        values = found[0].array().astype(np.float64)
        if values.shape[1:] != (side, side):
            shown = " x ".join(map(str, values.shape[1:]))
            remedy = f"Bring it to blocks of {factor} pixels of the sample's own grid"
            text = f"its layer '{LAYER}' has {shown} pixels, but {side} x {side} blocks are asked for"
            raise InputError(sample.id, text, remedy)
        known = np.asarray(np.isfinite(values).all(0))
        return Coarse(np.where(known, values, 0), known.astype(np.float64))
    return None if sample.image is None else blocks(sample.image_array(), factor)


def blocks(image: NDArray[Any], factor: int) -> Coarse:
    """Means of the finite pixels of blocks of an image (C, H, W).

    Summed in double precision, where the order of the pixels, which a turn changes, makes no difference.
    """
    known = np.isfinite(image).all(0, keepdims=True)
    count = parted(known.astype(np.float64), factor).sum((2, 4))
    sums = parted(np.where(known, image, 0).astype(np.float64), factor).sum((2, 4))
    return Coarse(sums / np.maximum(count, 1), count[0] / factor**2)


def parted(image: NDArray[Any], factor: int) -> NDArray[Any]:
    """An image (C, H, W) by blocks (C, h, factor, w, factor)."""
    bands, height, width = image.shape
    return image.reshape(bands, height // factor, factor, width // factor, factor)


def agreeing(image: NDArray[Any], coarse: Coarse, factor: int) -> NDArray[Any]:
    """An image (C, H, W) of which the blocks that hold data everywhere have the means of a coarse one.

    What a block lacks is added to all its pixels alike (back-projection, Irani and Peleg 1991). Integers are
    rounded, so a mean is off by half a step at most.
    """
    values = parted(image.astype(np.float64), factor)
    whole = (coarse.known >= 1)[:, None, :, None]
    whole_number = image.dtype.kind != "f"
    low, high = (np.iinfo(image.dtype).min, np.iinfo(image.dtype).max) if whole_number else (-np.inf, np.inf)
    for _ in range(ROUNDS if whole_number else 1):
        lacks = (coarse.means - values.mean((2, 4)))[:, :, None, :, None]
        open_ = np.where(lacks > 0, values < high, values > low)
        share = np.maximum(open_.mean((2, 4), keepdims=True), 1e-9)
        values = np.where(whole & open_, np.clip(values + lacks / share, low, high), values)
    made = rounded(values) if whole_number else values
    return np.where(whole, made, parted(image, factor)).astype(image.dtype).reshape(image.shape)


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blocks (C, h, factor, w, factor) in whole numbers, the sum of each as near as it can be.

    Rounding alone would move all pixels of a flat block to the same side.
    """
    bands, rows, factor, columns, _ = values.shape
    flat = values.transpose(0, 1, 3, 2, 4).reshape(bands, rows, columns, factor**2)
    down = np.floor(flat)
    up = np.rint((flat - down).sum(-1, keepdims=True))
    rank = np.argsort(np.argsort(-(flat - down), -1, kind="stable"), -1, kind="stable")
    found = down + (rank < up)
    return found.reshape(bands, rows, columns, factor, factor).transpose(0, 1, 3, 2, 4)

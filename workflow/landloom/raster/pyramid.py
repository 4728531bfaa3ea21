"""Coarser levels of a scene: means of images and majorities of masks over square blocks of pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.raster.labels import IGNORE


def area_mean(
    image: NDArray[Any], valid: NDArray[np.bool_], scale: int
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """An image (C, h, w) whose pixels are the means of blocks of a finer one, and which of them hold data.

    Means are those of the pixels with data, summed in double precision; of integers they are rounded to the
    nearest, halves to even. A pixel holds data where at least half of its block does. A block without any
    gets the mean of what fills it, so that a value for nodata stays.

    Args:
        image: (C, h * scale, w * scale).
        valid: where it holds data (h * scale, w * scale).
        scale: side of a block.
    """
    if scale == 1:
        return image, valid
    count = _blocks(valid, scale).sum((1, 3))
    counted = valid | (count == 0).repeat(scale, 0).repeat(scale, 1)
    parts = _blocks(np.where(counted, image, 0), scale)
    means = parts.sum((-3, -1), np.float64) / np.where(count, count, scale**2)
    whole = image.dtype.kind in "iu"
    return (np.rint(means) if whole else means).astype(image.dtype), 2 * count >= scale**2


def majority(mask: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Class indices (h, w): the most frequent class of each block of a finer mask; of equal ones the lowest.

    A pixel has none (IGNORE) only where more than half of its block has none.
    """
    if scale == 1:
        return mask
    found = np.full([n // scale for n in mask.shape], IGNORE, np.uint8)
    most = np.zeros(found.shape, np.int64)
    for value in np.unique(mask[mask != IGNORE]):
        count = _blocks(mask == value, scale).sum((1, 3))
        found[count > most] = value
        most = np.maximum(most, count)
    found[2 * _blocks(mask == IGNORE, scale).sum((1, 3)) > scale**2] = IGNORE
    return found


def _blocks(values: NDArray[Any], scale: int) -> NDArray[Any]:
    """Values (..., H, W) by blocks (..., h, scale, w, scale)."""
    *more, height, width = values.shape
    return values.reshape(*more, height // scale, scale, width // scale, scale)

"""How often each of the 256 values of 8 bits occurs; Pillow counts eight times as fast as numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def occurrences(values: NDArray[np.uint8], where: NDArray[np.uint8] | None = None) -> NDArray[np.int64]:
    """Counts (256,) of the values of a band (H, W); only where another is not zero, if that is given."""
    counted = None if where is None else Image.fromarray(where)
    return np.array(Image.fromarray(values).histogram(counted), np.int64)


def where(image: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Counts (C, 256) of the values of each band of an image (C, H, W) in some of its pixels (H, W)."""
    counted = valid.astype(np.uint8)
    return np.stack([occurrences(band, counted) for band in image])


def percentiles(counts: NDArray[np.int64], percents: Sequence[float]) -> NDArray[np.float64]:
    """Percentiles (P,) of values that occur so often (256,): those of ``np.percentile``, to the bit."""
    last = counts.sum() - 1
    at = last * (np.asarray(percents) / 100)
    before = np.floor(at).astype(np.int64)
    ends = counts.cumsum()
    low, high = (np.searchsorted(ends, i, side="right") for i in (before, np.minimum(before + 1, last)))
    part, step = at - before, high - low
    return np.where(part < 0.5, low + step * part, high - step * (1 - part))

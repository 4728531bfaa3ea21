"""Regions of one class in a mask, and borders between them."""

import numpy as np
from numpy.typing import NDArray
from rasterio.features import sieve

from landloom.raster.labels import IGNORE


def without_small(mask: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """The mask (H, W) with regions below ``pixels`` given to their largest neighbour; 0 changes nothing."""
    return mask if not pixels else np.asarray(sieve(mask, pixels), np.uint8)


def borders_of(mask: NDArray[np.uint8], classes: int) -> tuple[NDArray[np.float64], float]:
    """Borders between classes (K, K) in pixel sides, and their share of all neighbouring pairs."""
    pairs = [(mask[1:], mask[:-1]), (mask[:, 1:], mask[:, :-1])]
    a, b = (np.concatenate([p[i].ravel() for p in pairs]).astype(np.int64) for i in (0, 1))
    valid = (a != IGNORE) & (b != IGNORE)
    counted = np.bincount(a[valid] * classes + b[valid], minlength=classes**2).reshape(classes, classes)
    both = (counted + counted.T).astype(np.float64) / 2
    total = both.sum()
    np.fill_diagonal(both, 0)
    return both, float(both.sum() / max(total, 1))

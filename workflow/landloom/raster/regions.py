"""Regions of one class in a mask."""

import numpy as np
from numpy.typing import NDArray
from rasterio.features import sieve


def without_small(mask: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """The mask (H, W) with regions below ``pixels`` given to their largest neighbour; 0 changes nothing."""
    return mask if not pixels else np.asarray(sieve(mask, pixels), np.uint8)

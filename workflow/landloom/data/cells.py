"""Masks at a small size, at which they are compared."""

import numpy as np
from numpy.typing import NDArray

CELLS = 32
"""Side at which masks are compared with train masks: details of a few pixels do not make a copy new."""

Mask = NDArray[np.uint8]


def reduced(mask: Mask) -> Mask:
    """A mask (H, W) as cells (CELLS, CELLS), each from the pixel in its middle; cells stay as they are."""
    rows, columns = ((np.arange(CELLS) * side + side // 2) // CELLS for side in mask.shape)
    return mask[np.ix_(rows, columns)]

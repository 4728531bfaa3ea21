"""Pixels that several windows of one scene share: scores count each of them once."""

import itertools

import numpy as np
from numpy.typing import NDArray

from landloom.data.samples import Sample
from landloom.raster.labels import IGNORE


class Overlaps:
    """Remembers the windows of real samples, all of one size, in the order in which they come.

    The last window of a row or column is moved back to end at the scene's edge, so its pixels may have been
    counted before.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int, int], list[tuple[int, int]]] = {}

    def uncounted(self, sample: Sample) -> NDArray[np.uint8]:
        """Mask (H, W) of a sample; pixels that lie in an earlier window of its scene are IGNORE."""
        # A copy, since the sample may be asked for its mask again.
        mask = sample.mask_array().copy()
        size = len(mask)
        cell_row, cell_col = sample.row // size, sample.col // size
        for i, j in itertools.product((-1, 0, 1), repeat=2):  # a window reaches into the next cell at most
            for row, col in self._seen.get((sample.scene, cell_row + i, cell_col + j), []):
                mask[shared((sample.row, sample.col), (row, col), size)] = IGNORE
        self._seen.setdefault((sample.scene, cell_row, cell_col), []).append((sample.row, sample.col))
        return mask


def shared(one: tuple[int, int], other: tuple[int, int], size: int) -> tuple[slice, slice]:
    """Pixels of the window at ``one`` that lie in the one at ``other``, too; corners are rows and columns."""
    return _overlap(other[0] - one[0], size), _overlap(other[1] - one[1], size)


def _overlap(start: int, size: int) -> slice:
    """What a window that starts ``start`` pixels later than this one has in common with it."""
    return slice(max(start, 0), max(start + size, 0))

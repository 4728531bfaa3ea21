"""A raster at a coarser level, read window by window: majorities of a mask, means of an image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.raster.class_map import Grid
from landloom.raster.mirrored import Raster
from landloom.raster.pyramid import area_mean, majority
from landloom.raster.windows import Window


class Coarsened:
    """A raster whose pixels are blocks of those of another, mirrored beyond its edges as that one is.

    Args:
        fine: the other raster, open; it stays the caller's.
        scale: side of a block in its pixels.
        labels: whether its values are classes, of which the most frequent one counts, and not a mean.

    Raises:
        InputError: its sides are no multiples of the scale.
    """

    def __init__(self, fine: Raster, scale: int, labels: bool) -> None:
        require_whole(str(fine.path), (fine.grid.height, fine.grid.width), scale)
        self.fine, self.scale, self.labels = fine, scale, labels
        self.path, self.bands, self.dtype = fine.path, fine.bands, fine.dtype
        move = fine.grid.transform
        coarse = None if move is None else [float(x) for x in (Affine(*move) @ Affine.scale(scale))[:6]]
        size = fine.grid.height // scale, fine.grid.width // scale
        self.grid = Grid(*size, fine.grid.crs, coarse)

    def read(self, window: Window) -> NDArray[Any]:
        """Values (C, h, w) of a window, which may lie beside the raster."""
        found = self.fine.read(Window(*(n * self.scale for n in window)))
        if self.labels:
            return np.stack([majority(band, self.scale) for band in found])
        return area_mean(found, np.ones(found.shape[1:], bool), self.scale)[0]


def require_whole(where: str, size: tuple[int, int], scale: int) -> None:
    """Make sure that a raster of some rows and columns is made of whole blocks.

    Raises:
        InputError: it is not.
    """
    if any(n % scale for n in size):
        found = f"has {size[0]} rows and {size[1]} columns, and its scale is {scale}"
        raise InputError(where, found, "Give sides that are multiples of it")

"""A raster of which any window can be read, mirrored beyond its edges."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Slice

from landloom.raster import grid
from landloom.raster.class_map import Grid
from landloom.raster.opening import opened
from landloom.raster.readable import readable
from landloom.raster.windows import Window
from landloom.runtime import phases

OWN = ("AREA_OR_POINT", "OVR_RESAMPLING_ALG")
"""Tags that GDAL gives a file."""


class Raster(Protocol):
    """Bands of one grid, of which any window can be read, also beside it."""

    path: Path
    grid: Grid
    bands: int
    dtype: np.dtype[Any]

    def read(self, window: Window) -> NDArray[Any]:
        """Values (C, h, w) of a window."""


class Mirrored:
    """An open raster; use it in a ``with`` block.

    Attributes:
        path: its file.
        grid: its size and place.
        bands: number of bands.
        dtype: numpy type that holds all of them.
        tags: what the file says of itself.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack, readable(path):
            file = stack.enter_context(opened(path))
            placed = grid.transform([file])
            move = None if placed is None else [float(x) for x in placed[:6]]
            self.grid = Grid(file.height, file.width, grid.crs([file], None), move)
            self.bands, self.dtype = file.count, np.result_type(*file.dtypes)
            self.tags: dict[str, str] = {k: v for k, v in file.tags().items() if k not in OWN}
            self.file, self.stack = file, stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @phases.during("load")
    def read(self, window: Window) -> NDArray[Any]:
        """Values (C, h, w) of a window, which may lie beside the raster.

        Raises:
            InputError: they cannot be read.
        """
        rows = reflected(window.row, window.height, self.grid.height)
        cols = reflected(window.col, window.width, self.grid.width)
        top, left = int(rows.min()), int(cols.min())
        part = Slice(left, top, int(cols.max()) - left + 1, int(rows.max()) - top + 1)
        with readable(self.path):
            found = self.file.read(window=part)
        return np.asarray(found[:, rows - top][:, :, cols - left])


def reflected(first: int, length: int, size: int) -> NDArray[np.int64]:
    """Indices below ``size`` of a stretch that may lie beside, mirrored there with the edge twice."""
    places = np.arange(first, first + length) % (2 * size)
    return np.asarray(np.where(places < size, places, 2 * size - 1 - places))

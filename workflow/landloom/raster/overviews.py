"""A raster with its overviews: any part of it at several scales, whatever its size."""

import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as Slice

from landloom.raster.cog import CACHE
from landloom.raster.readable import readable
from landloom.raster.windows import Window
from landloom.runtime import phases


class Overviews:
    """An open raster; use it in a ``with`` block.

    Attributes:
        path: its file.
        levels: height and width of each scale in pixels, from the coarsest to the raster's own.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack, readable(path), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE))
            whole = stack.enter_context(rasterio.open(path))
            smaller = [
                stack.enter_context(rasterio.open(path, overview_level=i))
                for i in range(len(whole.overviews(1)))
            ]
            self.files = [*smaller[::-1], whole]
            self.levels = [(f.height, f.width) for f in self.files]
            self.stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @phases.during("load")
    def read(self, level: int, window: Window) -> NDArray[Any]:
        """Values (C, h, w) of a window at a scale, in pixels of that scale.

        Raises:
            InputError: they cannot be read.
        """
        with readable(self.path):
            part = Slice(window.col, window.row, window.width, window.height)
            return np.asarray(self.files[level].read(window=part))

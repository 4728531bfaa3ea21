"""Reads windows of a scene: stacked image bands, which pixels hold data, and the mask as class indices."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster import grid
from landloom.raster.labels import Legend, unknown_values
from landloom.raster.windows import Window
from landloom.samples import IGNORE
from landloom.scenes import SceneFiles

STRICT = {"GDAL_ERROR_ON_LIBJPEG_WARNING": "YES", "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO"}
"""By default GDAL reads JPEG and PNG files that were cut off without an error, and makes up the rest."""

# Scenes without a map position are fine. Said once for all: scenes are also read in threads.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


@dataclass(frozen=True)
class Band:
    """One band to read: its file and its number there, counted from 1."""

    file: DatasetReader
    number: int


class SceneReader:
    """An open scene; use it in a ``with`` block.

    Attributes:
        height: of the scene in pixels.
        width: of the scene in pixels.
        bands: bands to read, in order.
        dtype: common type of the bands.
        crs: authority code or WKT, None when no file has one.
        transform: pixel to map, None when no file has one.
    """

    def __init__(self, scene: SceneFiles, data: DataConfig) -> None:
        self.scene, self.data, self.legend = scene, data, Legend(data)
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        """Open and compare the files.

        Raises:
            InputError: a file cannot be read, or the files do not fit each other or the config.
        """
        try:
            self.stack.enter_context(rasterio.Env(**STRICT))
            self.images = [self._open(p) for p in self.scene.images]
            self.mask = self._open(self.scene.mask)
            self.height, self.width = self.images[0].shape
            grid.compare_sizes(self.files)
            self.crs, self.transform = grid.crs(self.files, self.data.crs), grid.transform(self.files)
            self.bands = self._select()
            self.dtype = np.result_type(*(b.file.dtypes[b.number - 1] for b in self.bands))
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @property
    def files(self) -> list[DatasetReader]:
        """Image files, then the mask."""
        return [*self.images, self.mask]

    def _open(self, path: Path) -> DatasetReader:
        if not path.is_file():
            raise InputError(
                path, f"the file of scene '{self.scene.name}' does not exist", "Add it, or fix data"
            )
        with readable(path):
            return self.stack.enter_context(rasterio.open(path))

    def _select(self) -> list[Band]:
        every = [Band(f, n) for f in self.images for n in f.indexes]
        if self.data.bands is None:
            return [b for b in every if b.file.colorinterp[b.number - 1] != ColorInterp.alpha]
        if wrong := [n for n in self.data.bands if not 1 <= n <= len(every)]:
            raise InputError(
                f"{self.images[0].name}, data.bands",
                f"band {wrong[0]} is asked for, but scene '{self.scene.name}' has {len(every)}",
                f"Use 1 to {len(every)}",
            )
        return [every[n - 1] for n in self.data.bands]

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.uint8]]:
        """Read a window; outside the scene the image is mirrored and the mask IGNORE.

        Returns:
            The image (C, h, w) in the bands' common type, where all its bands hold data (h, w), and class
            indices (h, w).

        Raises:
            InputError: a file cannot be read, or the mask holds a value that the config does not list.
        """
        height = min(window.height, self.height - window.row)
        width = min(window.width, self.width - window.col)
        part = Slice(window.col, window.row, width, height)
        image, valid = self.read_image(part)
        with readable(self.scene.mask):
            mask, unknown = self.legend.read(self.mask, part)
        if unknown:
            raise unknown_values(self.scene.mask, unknown, self.legend)
        edge = ((0, window.height - height), (0, window.width - width))
        if any(after for _, after in edge):
            image = np.pad(image, ((0, 0), *edge), mode="reflect")
            valid, mask = np.pad(valid, edge), np.pad(mask, edge, constant_values=IGNORE)
        return image, valid, mask

    def read_image(self, part: Slice) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Read the selected bands (C, h, w) of a part inside the scene, and where they hold data (h, w)."""
        image = np.empty((len(self.bands), part.height, part.width), self.dtype)
        valid = np.ones(image.shape[1:], np.bool_)
        for file in dict.fromkeys(b.file for b in self.bands):
            own = [i for i, b in enumerate(self.bands) if b.file is file]
            numbers = [self.bands[i].number for i in own]
            with readable(file.name):
                stored = file.read(numbers, window=part)
                valid &= self._valid(file, numbers, stored, part)
            image[own] = stored
        if self.dtype.kind == "f":
            valid &= ~np.isnan(image).any(0)
        return image, valid

    def _valid(
        self, file: DatasetReader, numbers: list[int], stored: NDArray[Any], part: Slice
    ) -> NDArray[np.bool_]:
        """Where a file holds data: a pixel is missing when all its bands are nodata, as in GDAL."""
        values = [file.nodatavals[n - 1] if self.data.nodata is None else self.data.nodata for n in numbers]
        missing = np.all([_equal(band, v) for band, v in zip(stored, values, strict=True)], axis=0)
        flags = file.mask_flag_enums[numbers[0] - 1]
        alpha = [n for n, c in zip(file.indexes, file.colorinterp, strict=True) if c == ColorInterp.alpha]
        if MaskFlags.per_dataset in flags and not set(alpha) & set(numbers):  # chosen alpha is data
            missing |= file.read_masks(numbers[0], window=part) == 0
        return np.asarray(~missing)


@contextmanager
def readable(path: object) -> Iterator[None]:
    """Turn a failure to read a raster into an InputError that names the file."""
    try:
        yield
    except RasterioError as error:
        cause = error.__cause__ or error
        raise InputError(
            path, f"cannot be read as a raster ({cause})", "Replace the file; it may be cut off"
        ) from None


def _equal(band: NDArray[Any], value: float | None) -> NDArray[np.bool_]:
    if value is None or np.isnan(value):
        return np.zeros(band.shape, np.bool_)
    if band.dtype.kind == "f":
        return np.asarray(band == band.dtype.type(value))
    return np.asarray(band == value)

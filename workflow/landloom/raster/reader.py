"""Reads windows of a scene: stacked image bands, which pixels hold data, and the mask as class indices."""

import warnings
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig, drawn
from landloom.errors import InputError
from landloom.raster import acquisition, bands, grid, label_files
from landloom.raster.alignment import AlignedMask, Place
from landloom.raster.label_files import Labels
from landloom.raster.labels import IGNORE
from landloom.raster.opening import opened
from landloom.raster.readable import readable
from landloom.raster.windows import Window
from landloom.runtime import phases
from landloom.scenes.acquisition import day
from landloom.scenes.discovery import SceneFiles

STRICT = {"GDAL_ERROR_ON_LIBJPEG_WARNING": "YES", "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO"}
"""By default GDAL reads JPEG and PNG files that were cut off without an error, and makes up the rest."""

# Scenes without a map position are fine. Said once for all: scenes are also read in threads.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


class SceneReader:
    """An open scene; use it in a ``with`` block.

    Attributes:
        height: of the scene in pixels.
        width: of the scene in pixels.
        bands: bands to read, in order.
        dtype: common type of the bands.
        crs: authority code or WKT, None when no file has one.
        transform: pixel to map, None when no file has one.
        labels: None if the scene has none; those of objects are set from without.
    """

    def __init__(self, scene: SceneFiles, data: DataConfig) -> None:
        self.scene, self.data = scene, data
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        """Open and compare the files.

        Raises:
            InputError: a file cannot be read, or the files do not fit each other or the config.
        """
        try:
            self.stack.enter_context(rasterio.Env(**STRICT))
            self.images = [self._open(p) for p in self.scene.images]
            self.masks = [self._open(p) for p in self.scene.masks if not drawn(p)]
            self.height, self.width = self.images[0].shape
            off = [] if self.data.align == "none" else self._elsewhere()
            fitting = [*self.images, *(m for m in self.masks if m not in off)]
            grid.common(self.images, self.data.crs)
            self.crs, self.transform = grid.common(fitting, self.data.crs, self._hint())
            self.bands = bands.select(self.images, self.data.bands, self.scene.name)
            for mask in self.masks:
                bands.require_real(mask, 1)
            self.labels: Labels | None = self._labels(off) if self.scene.masks else None
            self.dtype = np.result_type(*(b.file.dtypes[b.number - 1] for b in self.bands))
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @property
    def files(self) -> list[DatasetReader]:
        """Image files, then the mask if there is one."""
        return [*self.images, *self.masks]

    def _labels(self, off: list[DatasetReader]) -> Labels:
        """Labels of the scene, of whose open masks some are off the grid of the images."""
        place = self._place()
        rasters = iter([self._aligned(m, place) if m in off else m for m in self.masks])
        files = [p if drawn(p) else next(rasters) for p in self.scene.masks]
        return label_files.opened(files, place, self.data)

    def _elsewhere(self) -> list[DatasetReader]:
        """Masks on another grid than the images."""
        return [m for m in self.masks if not grid.fits(self.images, m, self.data.crs)]

    def _aligned(self, mask: DatasetReader, place: Place | None) -> AlignedMask:
        return self.stack.enter_context(closing(AlignedMask(mask, place, self.data.crs)))

    def _place(self) -> Place | None:
        """Where the images lie; None where they do not say it."""
        if self.crs is None or self.transform is None:
            return None
        return Place(self.height, self.width, self.crs, self.transform)

    def _hint(self) -> str:
        """What else may be done about a mask on another grid, where all files say where they lie."""
        placed = all(f.crs and not f.transform.is_identity for f in self.files)
        return grid.ALIGN if placed and self.data.align == "none" else ""

    def _open(self, path: Path) -> DatasetReader:
        if not path.is_file():
            raise InputError(
                path, f"the file of scene '{self.scene.name}' does not exist", "Add it, or fix data"
            )
        with readable(path):
            return self.stack.enter_context(opened(path))

    @phases.during("load")
    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.uint8]]:
        """Read a window; outside the scene the image is mirrored and the mask IGNORE.

        Returns:
            The image (C, h, w) in the bands' common type, where all its bands hold data (h, w), and class
            indices (h, w).

        Raises:
            InputError: a file cannot be read, or the mask holds a value that the config does not list.
        """
        assert self.labels is not None
        image, valid = self.read_image_mirrored(window)
        height = min(window.height, self.height - window.row)
        width = min(window.width, self.width - window.col)
        mask, unknown = self.labels.read(Slice(window.col, window.row, width, height))
        if unknown:
            raise self.labels.refusal(unknown)
        edge = ((0, window.height - height), (0, window.width - width))
        return image, valid, np.pad(mask, edge, constant_values=IGNORE)

    def read_image(self, part: Slice) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Read the selected bands (C, h, w) of a part inside the scene, and where they hold data (h, w)."""
        return bands.read(self.bands, part, self.data.nodata)

    def read_image_mirrored(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Read the selected bands (C, h, w) of a window, mirrored outside the scene, and where data are."""
        height = min(window.height, self.height - window.row)
        width = min(window.width, self.width - window.col)
        image, valid = self.read_image(Slice(window.col, window.row, width, height))
        edge = ((0, window.height - height), (0, window.width - width))
        return np.pad(image, ((0, 0), *edge), mode="reflect"), np.pad(valid, edge)

    def acquired(self) -> date | None:
        """Day of acquisition by manifest, config or tags; None where it is not known.

        Raises:
            InputError: it is no day.
        """
        own = self.scene.acquired
        return (
            acquisition.day(self.images) if own is None else day(own, f"scene '{self.scene.name}', acquired")
        )

    def cloud(self) -> float | None:
        """Share of cloud by manifest, config or tags; None where it is not known.

        Raises:
            InputError: a tag holds no percentage.
        """
        return acquisition.cloud(self.images) if self.scene.cloud is None else self.scene.cloud

    def place(self, row: float, col: float) -> tuple[float, float] | None:
        """Longitude and latitude of a point in pixels, of the scene's centre if only that is told, or None.

        Raises:
            InputError: the point lies nowhere on the Earth.
        """
        spot = self.transform and self.transform @ (col, row)
        found = acquisition.place(self.crs, spot, self.images[0].name) if spot else None
        lon, lat = self.scene.lon, self.scene.lat
        return (lon, lat) if found is None and lon is not None and lat is not None else found

    def gsd(self, lat: float | None) -> float | None:
        """Ground sampling distance in metres, as told or at a latitude; None where it is not known."""
        return self.scene.gsd or acquisition.gsd(self.crs, self.transform, lat)

    def partly_missing(self, part: Slice) -> int:
        """Number of pixels of a part that hold data although some bands of a file are nodata there."""
        return bands.partly_missing(self.bands, part, self.data.nodata)

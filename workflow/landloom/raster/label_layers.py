"""What is drawn onto a map of classes: the raster of one class, or shapes."""

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.windows import Window as Slice

from landloom.config.data import COLOR, DataConfig
from landloom.errors import InputError
from landloom.raster import vectors
from landloom.raster.alignment import AlignedMask, Misplaced, Place
from landloom.raster.labels import IGNORE, UNKNOWN, Legend, Mask
from landloom.raster.readable import readable
from landloom.raster.unknown import lossy

if TYPE_CHECKING:
    import geopandas


class Layer(ABC):
    """What is drawn onto a map of classes."""

    @abstractmethod
    def draw(self, part: Slice, canvas: NDArray[np.uint8]) -> None:
        """Write class indices, or IGNORE, into a canvas (h, w) that is a part of the scene.

        Raises:
            InputError: a file cannot be read, or does not fit the config.
        """


class ClassMask(Layer):
    """The raster of one class: what is not 0 in it, or has one of the class's values, is the class."""

    def __init__(self, mask: Mask, index: int, data: DataConfig) -> None:
        """Take an open mask.

        Raises:
            InputError: its compression makes zeros something else, and no tolerance is given.
        """
        self.mask, self.index, self.legend = mask, index, Legend(data, index)
        self.values = data.classes[index].values
        if lossy(mask) and not data.tolerance:
            found = "it is compressed with loss (JPEG or the like), so that what is 0 is not sure"
            raise InputError(
                mask.name, found, "Export it again as PNG or GeoTIFF, or set data.tolerance, such as 64"
            )

    def draw(self, part: Slice, canvas: NDArray[np.uint8]) -> None:
        """See ``Layer``. Values to be ignored, and nodata other than 0, take what earlier classes drew."""
        with readable(self.mask.name):
            found, codes = self.legend.find(self.mask, part)
            covered = self.mask.covered(part) if isinstance(self.mask, AlignedMask) else np.bool_(True)
        canvas[(found == IGNORE) & (codes != 0) | ~covered] = IGNORE
        some = np.abs(codes.astype(np.float64)) > self.legend.tolerance
        canvas[found == self.index if self.values else (found == UNKNOWN) & some] = self.index


class Shapes(Layer):
    """Polygons of a vector file. Each part of a scene reads those that touch it, and no others.

    Those of a later class lie over those of earlier ones, and those to be ignored over all.
    """

    def __init__(self, path: Path, place: Place | None, data: DataConfig, index: int | None) -> None:
        """Take a file that is not open.

        Args:
            path: of the file.
            place: where the image lies; None where its files do not say it.
            data: the config.
            index: class of all polygons; None where an attribute, or data.rest, says it.

        Raises:
            InputError: the image has no place, or the config says no class.
        """
        if place is None:
            found = "its shapes have no place in an image without a CRS or a transform"
            raise Misplaced(path, found, "Georeference the image (gdal_edit.py -a_srs ... -a_ullr ...)")
        self.path, self.place, self.classes = path, place, classes(data)
        self.index = data.shape if index is None else index
        if self.index is None and not data.by_attribute:
            remedy = "Set data.vectors.attribute, or of two classes name one as data.rest"
            raise InputError(path, "holds shapes, and nothing says their class", remedy)
        settings = data.vectors
        self.layer = None if settings is None else settings.layer
        self.attribute = None if settings is None else settings.attribute
        self.all_touched = settings is not None and settings.all_touched

    def draw(self, part: Slice, canvas: NDArray[np.uint8]) -> None:
        """See ``Layer``."""
        transform = self.place.transform @ Affine.translation(part.col_off, part.row_off)
        bounds = Place(part.height, part.width, self.place.crs, transform).bounds
        columns = [] if self.attribute is None else [self.attribute]
        found = vectors.read(self.path, bounds, self.place.crs, self.layer, columns=columns)
        drawn = sorted(zip(self._indices(found), found.geometry, strict=True), key=lambda pair: pair[0])
        burnt = [(shape, index) for index, one in drawn for shape in polygons(one)]
        if burnt:
            rasterize(burnt, out=canvas, transform=transform, all_touched=self.all_touched)

    def _indices(self, found: "geopandas.GeoDataFrame") -> list[int]:
        """Class index of each polygon."""
        if self.attribute is None:
            assert self.index is not None
            return [self.index] * len(found)
        values = [spelt(v) for v in found[self.attribute]]
        if strange := [v for v in values if v not in self.classes]:
            raise InputError(
                f"{self.path}, attribute '{self.attribute}'", f"no class has the value '{strange[0]}'",
                "Add it to the values of a class under data.classes, or to data.ignore",
            )  # fmt: skip
        return [self.classes[v] for v in values]


def classes(data: DataConfig) -> dict[str | None, int]:
    """Class index of each value of an attribute, as ``spelt``; IGNORE of those to be ignored, and of none."""
    known = {spelt(v): i for i, c in enumerate(data.classes) for v in c.values}
    return {None: IGNORE} | known | {spelt(v): IGNORE for v in data.ignore}


def spelt(value: Any) -> str | None:
    """A value of an attribute as a text, whatever its column holds: 1, 1.0 and '1' are one; None of none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    return text.lower() if COLOR.fullmatch(text) or isinstance(value, bool | np.bool_) else text


def polygons(shape: Any) -> list[Any]:
    """The polygons of a shape; mending one may leave lines and points beside them."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return [shape]
    return [p for s in getattr(shape, "geoms", ()) for p in polygons(s)]

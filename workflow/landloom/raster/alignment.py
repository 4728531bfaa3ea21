"""Masks on another grid than their image, read on the image's grid: each pixel takes the nearest value."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import MaskFlags, Resampling
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window as Slice

from landloom.errors import InputError


class Place(NamedTuple):
    """Where the pixels of an image lie.

    Attributes:
        height: in pixels.
        width: in pixels.
        crs: authority code or WKT.
        transform: pixel to map.
    """

    height: int
    width: int
    crs: str
    transform: Affine

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in map units, around corners that may be turned."""
        corners = [(0, 0), (self.width, 0), (0, self.height), (self.width, self.height)]
        x, y = np.transpose([self.transform @ c for c in corners])
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())


class Misplaced(InputError):
    """Labels cannot be brought to the grid of their image."""


class AlignedMask:
    """A mask as if it lay on its image's grid. It stands for the open file: what is not here is the file's.

    Read a window at a time; GDAL warps no more than that. What the file's mask band or alpha hides is as if
    the mask were not there; its nodata value stays a value, for a class may be made from it.

    Attributes:
        source: the open file.
        crs_before: its coordinate system, before it is aligned.
        pixel: width and height of its pixels, in units of that system.
    """

    def __init__(self, source: DatasetReader, place: Place | None, override: str | None) -> None:
        """Bring a mask to the place of its image.

        Args:
            source: the open file.
            place: of the image; None where its files do not say it.
            override: replaces the mask's own CRS.

        Raises:
            Misplaced: the files do not say where they lie, or lie apart.
        """
        own = override or (source.crs and source.crs.to_string())
        remedy = "Georeference both (gdal_edit.py -a_srs ... -a_ullr ...), or give masks of the image's size"
        if place is None:
            found = "it lies on another grid than its image, which has no CRS or no transform"
            raise Misplaced(source.name, found, remedy)
        if not own or source.transform.is_identity:
            lacks = "has no transform" if own else "has no CRS"
            raise Misplaced(source.name, f"it lies on another grid than its image, and {lacks}", remedy)
        self.source, self.crs_before = source, str(own)
        self.pixel = tuple(float(np.hypot(*v)) for v in np.reshape(source.transform[:6], (2, 3)).T[:2])
        self._require_overlap(place)
        opaque = not any(MaskFlags.alpha in flags for flags in source.mask_flag_enums)
        self.vrt = WarpedVRT(
            source, src_crs=CRS.from_user_input(own), crs=CRS.from_user_input(place.crs),
            transform=place.transform, height=place.height, width=place.width,
            resampling=Resampling.nearest, src_nodata=None, add_alpha=opaque, tolerance=0.01,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def _require_overlap(self, place: Place) -> None:
        own = Place(self.source.height, self.source.width, self.crs_before, self.source.transform)
        west, south, east, north = place.bounds
        left, bottom, right, top = transform_bounds(self.crs_before, place.crs, *own.bounds)
        if not (left < east and right > west and bottom < north and top > south):
            found = "it lies beside its image, no pixel of which has a label"
            remedy = (
                "Pair it with the image of its ground, or correct a CRS that is wrong (gdal_edit.py -a_srs)"
            )
            raise Misplaced(self.source.name, found, remedy)

    def read(self, numbers: int | list[int], window: Slice) -> NDArray[Any]:
        """Values (h, w) of a band or (n, h, w) of several in a window of the image; 0 outside of the mask."""
        return np.asarray(self.vrt.read(numbers, window=window))

    def read_masks(self, number: int, window: Slice) -> NDArray[np.uint8]:
        """0 where the band (h, w) has no value in a window of the image, or nodata; else 255."""
        there = self.covered(window)
        if (nodata := self.source.nodatavals[number - 1]) is not None:
            values = self.read(number, window)
            there &= ~(np.isnan(values) if np.isnan(nodata) else values == nodata)
        return np.where(there, np.uint8(255), np.uint8(0))

    def covered(self, window: Slice) -> NDArray[np.bool_]:
        """Where in a window (h, w) of the image the mask lies."""
        return np.asarray(self.vrt.read(self.vrt.count, window=window) != 0)

    def close(self) -> None:
        """Close the view; the file stays open."""
        self.vrt.close()

    @property
    def facts(self) -> dict[str, Any]:
        """What was aligned, as JSON."""
        return {"mask": self.source.name, "crs": self.crs_before, "pixel": list(self.pixel)}

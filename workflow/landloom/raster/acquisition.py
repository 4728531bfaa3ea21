"""When, where and how a raster was taken, as its tags and its place on the map say."""

import math
from collections.abc import Iterable
from datetime import date

from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.warp import transform as project

from landloom.errors import InputError
from landloom.scenes import acquisition

DAYS = ("ACQUISITIONDATETIME", "ACQUISITIONDATE", "ACQUISITION_DATE", "DATE_ACQUIRED", "TIFFTAG_DATETIME")
"""Tags that hold the day, the surest first; compared in capitals. That of TIFF may be the day of writing."""
CLOUD = "CLOUDCOVER"
"""GDAL's tag of cloud, in per cent, in its domain IMAGERY; below 0 or 999 where it is not known."""
PSEUDO_MERCATOR = 3857
"""EPSG code of web maps, whose metre is one metre at the equator alone."""


def day(files: Iterable[DatasetReader]) -> date | None:
    """Day of acquisition by the tags of a scene's files; None where none of them has one.

    Raises:
        InputError: a tag holds no day.
    """
    for file in files:
        tags = {k.upper(): str(v) for k, v in (file.tags() | file.tags(ns="IMAGERY")).items()}
        for name in DAYS:
            if tags.get(name, "").strip("0: -"):  # zeros are how cameras write that they do not know
                return acquisition.day(tags[name], f"{file.name}, tag {name}")
    return None


def cloud(files: Iterable[DatasetReader]) -> float | None:
    """Share of cloud, 0 to 1, by the tags of a scene's files; None where none of them has one.

    Raises:
        InputError: a tag holds no percentage.
    """
    for file in files:
        text = file.tags(ns="IMAGERY").get(CLOUD)
        if text is None:
            continue
        try:
            found = float(text)
        except ValueError:
            found = float("nan")
        if found < 0 or found == 999:
            continue
        if not found <= 100:  # NaN, too
            raise InputError(f"{file.name}, tag {CLOUD}", f"'{text}' is no percentage", "Remove the tag")
        return found / 100
    return None


def place(crs: str | None, point: tuple[float, float], name: str) -> tuple[float, float] | None:
    """Longitude and latitude (WGS84, degrees) of a point of the map.

    None without a CRS, or with one of no place on the Earth, such as that of a building site.

    Raises:
        InputError: the CRS has no such point; ``name`` is that of the file.
    """
    if crs is None:
        return None
    system = CRS.from_user_input(crs)
    if not (system.is_geographic or system.is_projected):
        return None
    if system.is_geographic and not (-180 <= point[0] <= 360 and -90 <= point[1] <= 90):
        raise _outside(name, point, crs)
    try:
        (lon,), (lat,) = project(system, CRS.from_epsg(4326), [point[0]], [point[1]])
    except CRSError:
        return None
    except CPLE_BaseError:  # GDAL's own: "Point outside of projection domain"
        raise _outside(name, point, crs) from None
    if not (math.isfinite(lon) and abs(lat) <= 90):
        raise _outside(name, point, crs)
    return round((lon + 180) % 360 - 180, 7), round(lat, 7)


def _outside(name: str, point: tuple[float, float], crs: str) -> InputError:
    found = f"x {point[0]:g}, y {point[1]:g} is no place in {crs if len(crs) < 40 else 'its CRS'}"
    return InputError(
        f"{name}, transform", found, "Correct its place (gdal_edit.py -a_ullr), or set data.crs"
    )


def gsd(crs: str | None, move: Affine | None, lat: float | None) -> float | None:
    """Ground sampling distance in metres, the geometric mean of both sides of a pixel.

    Args:
        crs: of the raster.
        move: pixel to map.
        lat: latitude in degrees, at which degrees and the metres of web maps are converted.
    """
    if crs is None or move is None:
        return None
    system, side = CRS.from_user_input(crs), math.sqrt(abs(move.determinant))
    if system.is_projected:
        shrunk = system.to_epsg() == PSEUDO_MERCATOR and lat is not None
        metres = side * system.linear_units_factor[1]
        return round(metres * math.cos(math.radians(lat)) if shrunk and lat is not None else metres, 6)
    return (
        round(side * math.sqrt(max(math.prod(degree(lat)), 0)), 6)
        if system.is_geographic and lat is not None
        else None
    )


def degree(lat: float) -> tuple[float, float]:
    """Metres of a degree along the parallel and along the meridian, on the ellipsoid of WGS84."""
    angle = math.radians(lat)
    north = 111132.954 - 559.822 * math.cos(2 * angle) + 1.175 * math.cos(4 * angle)
    east = 111412.84 * math.cos(angle) - 93.5 * math.cos(3 * angle) + 0.118 * math.cos(5 * angle)
    return east, north

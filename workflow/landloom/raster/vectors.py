"""Features of vector files, of a part of the ground and in the coordinate system that are asked for.

GDAL reads them, through pyogrio: GeoPackage, FlatGeobuf, GeoJSON, Shapefile, and OpenStreetMap's .osm.pbf if
it was built with that driver.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio.warp
from rasterio.crs import CRS
from rasterio.errors import CRSError

from landloom.errors import InputError
from landloom.raster.drivers import VECTORS, formats
from landloom.runtime import phases
from landloom.runtime.importing import importing
from landloom.runtime.reading import reading

if TYPE_CHECKING:
    import geopandas

Bounds = tuple[float, float, float, float]
"""West, south, east, north (left, bottom, right, top)."""
OSM = ".pbf"
ARCHIVES = (".zip", ".kmz", ".gz", ".tgz", ".tar", ".7z", ".rar")
"""Suffixes of what GDAL would unpack, to whatever size."""
WHOLE = (".geojson", ".json")
"""Suffixes of texts without an index: whatever part is wanted, all is read. It is held between windows."""
HELD = 4
"""Most files of such that are held."""
_reading = Lock()
EDGE = 21
"""Points on each side of bounds that are brought to another system, since its sides are no straight lines."""


@phases.during("load")
def read(
    path: Path, bounds: Bounds | None, crs: str, layer: str | None = None, where: str | None = None,
    columns: Sequence[str] | None = None,
) -> "geopandas.GeoDataFrame":  # fmt: skip
    """Valid features of one layer that touch bounds, in file order.

    ``attrs["empty"]`` of the result counts features that were left out because they have no geometry, or
    none with a place in ``crs``. One without touches no bounds, so it is counted only where these are None.

    Args:
        path: of the file.
        bounds: in ``crs``; None for the whole file.
        crs: of the bounds and the result; an authority code or WKT. That of the file may be another.
        layer: its name; may be None where the file has one only.
        where: filter by attributes, as in SQL: "highway IN ('primary', 'secondary')".
        columns: attributes to read; all when None.

    Raises:
        InputError: the file cannot be read or says nothing of its CRS, the layer or an attribute is not
            there, coordinates are no degrees where they should be, or the filter is not understood.
    """
    with importing():
        import pyogrio
        import shapely
    layer, about = _known(path, layer, _stamp(path))
    _require(path, columns, about["fields"])
    box = None if bounds is None else _within(bounds, crs, about["crs"])
    names = None if columns is None else list(columns)
    if box is not None and where is None and path.suffix.lower() in WHOLE:
        with _reading:  # once, not once in each thread
            every = _whole(path, layer, None if names is None else tuple(names), _stamp(path))
        found = every.iloc[np.sort(every.sindex.query(shapely.box(*box)))]
    else:
        with _understood(path, where):
            found = pyogrio.read_dataframe(path, layer=layer, columns=names, where=where, bbox=box)
    with _understood(path):
        found = found.to_crs(crs)
        found.geometry = shapely.make_valid(found.geometry.to_numpy())
    # Of a missing or an empty geometry they are no numbers.
    kept = np.isfinite(shapely.bounds(found.geometry.to_numpy())).all(1)
    empty = len(found) - int(kept.sum())
    found = found[kept]
    if bounds is not None:
        found = found[found.intersects(shapely.box(*bounds))]
    found = found.reset_index(drop=True)
    found.attrs["empty"] = empty
    return found


def _stamp(path: Path) -> tuple[int, int]:
    """What changes with the content of a file, as far as it is known without reading it."""
    try:
        about = path.stat()
    except OSError:
        return 0, 0  # whoever opens it says what is wrong
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=1024)
def _known(path: Path, layer: str | None, stamp: tuple[int, int]) -> tuple[str, dict[str, Any]]:
    """The layer that is meant, and what it says of itself; asked once, not for each window."""
    name = _one(path, layer)
    return name, describe(path, name)


@lru_cache(maxsize=HELD)
def _whole(
    path: Path, layer: str, columns: tuple[str, ...] | None, stamp: tuple[int, int]
) -> "geopandas.GeoDataFrame":
    """All features of a file that has no index, as they are stored."""
    import pyogrio

    with _understood(path):
        return pyogrio.read_dataframe(path, layer=layer, columns=columns)


def parts(path: Path, layer: str | None, column: str | None, size: int) -> Iterator["geopandas.GeoDataFrame"]:
    """All features of a layer as they are stored, some at a time; with one attribute, or without any.

    Raises:
        InputError: as ``read`` does.
    """
    with importing():
        import pyogrio
    layer, about = _known(path, layer, _stamp(path))
    names = [] if column is None else [column]
    _require(path, names, about["fields"])
    start = 0
    while True:
        with _understood(path):
            found = pyogrio.read_dataframe(
                path, layer=layer, columns=names, skip_features=start, max_features=size
            )
        yield found
        if len(found) < size:
            return
        start += size


def layers(path: Path) -> list[str]:
    """Names of the layers that have geometries, in file order.

    Raises:
        InputError: the file cannot be read, or has no such layer.
    """
    with importing():
        import pyogrio
    if not path.exists():
        raise InputError(path, "does not exist", "Add the file, or fix its path")
    if path.suffix.lower() in ARCHIVES:
        raise InputError(path, "is an archive", "Unpack it, and give the file inside")
    if path.suffix == OSM and "OSM" not in pyogrio.list_drivers(read=True):
        found = "is an extract of OpenStreetMap, but GDAL was built without its driver 'OSM'"
        raise InputError(path, found, "Convert it where GDAL has it (ogr2ogr extract.gpkg extract.osm.pbf)")
    with _understood(path):
        found = pyogrio.list_layers(path)
    names = [str(name) for name, kind in found if kind is not None]
    if not names:
        raise InputError(path, "has no layer with geometries", "Give a file of points, lines or polygons")
    return names


def describe(path: Path, layer: str) -> dict[str, Any]:
    """What a layer says of itself: ``crs``, ``fields``, ``dtypes``, ``features`` and ``total_bounds``.

    The last two may be -1 and None, where the format must be read as a whole to know them.

    Raises:
        InputError: there is no CRS, or coordinates are no degrees where it says so.
    """
    with importing():
        import pyogrio
    with _understood(path):
        about: dict[str, Any] = pyogrio.read_info(path, layer=layer)
    _require_format(path, about["driver"])
    if not about["crs"]:
        remedy = "Set it (ogr2ogr -a_srs EPSG:... OUT IN; a Shapefile needs its .prj file beside it)"
        raise InputError(f"{path}, layer '{layer}'", "has no coordinate system", remedy)
    with _understood(path):
        degrees = CRS.from_user_input(about["crs"]).is_geographic
    found = about["total_bounds"]
    if degrees and found is not None and np.isfinite(found).all() and not _degrees(found):
        shown = ", ".join(f"{x:g}" for x in found)
        what = f"its coordinates ({shown}) are no degrees of longitude and latitude, as its CRS says"
        remedy = "GeoJSON takes longitude first, then latitude, in degrees; set the true CRS of other formats"
        raise InputError(f"{path}, layer '{layer}'", what, remedy)
    return about


def extent(path: Path, layer: str, crs: str) -> Any:
    """The ground that the features of a layer span, as a shape in ``crs``; None if there are none.

    Raises:
        InputError: as ``describe``.
    """
    with importing():
        import geopandas
        import pyogrio
        import shapely
    about = describe(path, layer)
    if about["total_bounds"] is None:  # of some formats a pass over the whole file tells
        with _understood(path):
            about = pyogrio.read_info(path, layer=layer, force_total_bounds=True)
    found = about["total_bounds"]
    if not about["features"] or found is None or not np.isfinite(found).all():
        return None
    sides = (np.linspace(found[i], found[i + 2], EDGE) for i in (0, 1))
    points = shapely.multipoints(np.stack(np.meshgrid(*sides), -1).reshape(-1, 2))
    with _understood(path):
        return geopandas.GeoSeries([points], crs=about["crs"]).to_crs(crs).iloc[0].convex_hull


def _require_format(path: Path, driver: str) -> None:
    if driver not in VECTORS:
        found = f"is a file of GDAL's driver '{driver}', none of {formats(VECTORS)}"
        raise InputError(path, found, "Convert it (ogr2ogr OUT.gpkg IN)")


def _degrees(extent: Sequence[float]) -> bool:
    """Whether bounds can be longitudes and latitudes; a map may run on over the date line."""
    west, south, east, north = extent
    return -360 <= west <= east <= 360 and -90.001 <= south <= north <= 90.001


def _one(path: Path, layer: str | None) -> str:
    """The layer that is meant."""
    names = layers(path)
    if layer is None and len(names) > 1:
        raise InputError(path, f"has {len(names)} layers: {', '.join(names)}", "Name the one that is meant")
    if layer is not None and layer not in names:
        raise InputError(path, f"has no layer '{layer}' with geometries", f"It has {', '.join(names)}")
    return names[0] if layer is None else layer


def _require(path: Path, columns: Sequence[str] | None, fields: Sequence[str]) -> None:
    if missing := [c for c in columns or () if c not in fields]:
        what = f"has no attribute {', '.join(repr(m) for m in missing)}"
        raise InputError(path, what, f"It has {', '.join(map(str, fields)) or 'none'}")


def _within(bounds: Bounds, crs: str, to: str) -> Bounds | None:
    """Bounds in the CRS of the file; None, for all of it, where it has no place for some of them."""
    try:
        source, target = CRS.from_user_input(crs), CRS.from_user_input(to)
        found = rasterio.warp.transform_bounds(source, target, *bounds, densify_pts=EDGE)
    except CRSError:
        return None
    west, south, east, north = found
    return (west, south, east, north) if np.isfinite(found).all() and west <= east else None


@contextmanager
def _understood(path: Path, where: str | None = None) -> Iterator[None]:
    """Say of which file it is what GDAL, PROJ or GEOS cannot read; with a filter, that may be wrong."""
    if where is not None:
        what, remedy = f'the filter "{where}" is not understood', "Write it as in SQL"
    else:
        what, remedy = "cannot be read as a vector file", "Replace it; it may be cut off"
    with reading(path, what, remedy):
        yield

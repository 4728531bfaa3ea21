"""Features of a map that a legend draws: what to draw, where, and how wide."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from landloom.errors import InputError
from landloom.raster import vectors
from landloom.raster.map_legend import MapLegend
from landloom.raster.vectors import Bounds
from landloom.runtime.importing import importing

if TYPE_CHECKING:
    import geopandas

OTHER = "other_tags"
"""Attribute in which GDAL keeps the tags of OpenStreetMap that have none of their own, as an hstore."""
TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class MapFeatures:
    """What a legend draws of a source, within bounds.

    Attributes:
        shapes: points, lines and polygons (N,), of one part each.
        entries: number of the legend's entry that draws each (N,).
        unknown: how many features have a key of the legend, but a value that it does not list; by tag.
        others: how many have none of its keys.
    """

    shapes: NDArray[Any]
    entries: NDArray[np.int64]
    unknown: Counter[str]
    others: int


def read(path: Path, layer: str | None, legend: MapLegend, bounds: Bounds, crs: str) -> MapFeatures:
    """Features that a legend draws, in its order and else in file order.

    Args:
        path: of the source.
        layer: the one to read; all when None.
        legend: what to draw.
        bounds: in ``crs``.
        crs: of bounds and result.

    Raises:
        InputError: the source cannot be read, has not a key of the legend, or a line has no width.
    """
    shapes: list[NDArray[Any]] = [np.empty(0, object)]
    entries: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    unknown, others = Counter[str](), 0
    for name, columns in _asked(path, layer, legend):
        found = vectors.read(path, bounds, crs, name, columns=columns)
        for key_shapes, number in _matched(found, legend, unknown):
            shapes.append(key_shapes)
            entries.append(np.full(len(key_shapes), number))
        others += int((~_tagged(found, legend)).sum())
    every, numbers = np.concatenate(shapes), np.concatenate(entries)
    _require_widths(every, numbers, legend, path)
    order = np.argsort(numbers, kind="stable")
    return MapFeatures(every[order], numbers[order], unknown, others)


def extent(path: Path, layer: str | None, crs: str) -> Any:
    """The ground (a polygon in ``crs``) that the features of a source span; None if there are none."""
    with importing():
        import shapely
    names = [layer] if layer is not None else vectors.layers(path)
    found = [box for name in names if (box := vectors.extent(path, name, crs)) is not None]
    return shapely.GeometryCollection(found).convex_hull if found else None


def _asked(path: Path, layer: str | None, legend: MapLegend) -> Iterator[tuple[str, list[str]]]:
    """Layers that may have something to draw, with the attributes to read."""
    names, seen = vectors.layers(path), set[str]()
    if layer is not None and layer not in names:
        raise InputError(path, f"has no layer '{layer}' with geometries", f"It has {', '.join(names)}")
    found = {n: list(map(str, vectors.describe(path, n)["fields"])) for n in ([layer] if layer else names)}
    seen = {field for fields in found.values() for field in fields}
    if OTHER not in seen and (missing := [k for k in legend.keys if k not in seen]):
        what = f"has no attribute {', '.join(missing)}, which the legend {legend.path} asks for"
        raise InputError(path, what, f"It has {', '.join(sorted(seen)) or 'none'}")
    for name, fields in found.items():
        if columns := [f for f in fields if f in legend.keys or f == OTHER]:
            yield name, columns


def _matched(
    found: "geopandas.GeoDataFrame", legend: MapLegend, unknown: Counter[str]
) -> Iterator[tuple[NDArray[Any], int]]:
    """Shapes of each entry that draws some; values that the legend does not list are counted."""
    geometries = found.geometry.to_numpy()
    for key in legend.keys:
        rows: dict[int, list[int]] = {}
        for row, value in enumerate(_values(found, key)):
            number = None if value is None else legend.entry(key, value)
            if number is not None:
                rows.setdefault(number, []).append(row)
            elif value is not None:
                unknown[f"{key}={value}"] += 1
        for number, chosen in rows.items():
            yield _parts(geometries[chosen]), number


def _values(found: "geopandas.GeoDataFrame", key: str) -> list[str | None]:
    """Value (N) of a tag of each feature, from the attribute of its name or from the other tags."""
    own: list[str | None] = [_text(v) for v in found[key]] if key in found else [None] * len(found)
    if OTHER not in found:
        return own
    return [v if v is not None else _others(tags).get(key) for v, tags in zip(own, found[OTHER], strict=True)]


def _tagged(found: "geopandas.GeoDataFrame", legend: MapLegend) -> NDArray[np.bool_]:
    """Which features (N,) have a key of the legend."""
    values = [[v is not None for v in _values(found, key)] for key in legend.keys]
    return np.any(np.array(values, bool).reshape(len(values), len(found)), 0)


def _text(value: Any) -> str | None:
    """A value as a legend writes it: 2.0 is '2'."""
    if value is None or value != value or value == "":
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


def _others(tags: Any) -> Mapping[str, str]:
    """Tags of an hstore."""
    if not isinstance(tags, str):
        return {}
    return {re.sub(r"\\(.)", r"\1", k): re.sub(r"\\(.)", r"\1", v) for k, v in TAG.findall(tags)}


def _parts(shapes: NDArray[Any]) -> NDArray[Any]:
    """Shapes of one part each (N,); of a repaired area its areas alone, no lines that were left of it."""
    import shapely

    areas = shapely.get_dimensions(shapes) == 2
    while (shapely.get_type_id(shapes) > 3).any():  # collections may hold collections
        shapes, owner = shapely.get_parts(shapes, return_index=True)
        areas = areas[owner]
    return np.asarray(shapes[~areas | (shapely.get_dimensions(shapes) == 2)])


def _require_widths(shapes: NDArray[Any], numbers: NDArray[np.int64], legend: MapLegend, path: Path) -> None:
    """Raise InputError for the first entry without a width that draws lines or points."""
    import shapely

    for number in np.unique(numbers[shapely.get_dimensions(shapes) < 2]).tolist():
        entry = legend.entries[number]
        if entry.width is None:
            found = f"{entry.key}={entry.value} has no width_m, but lines or points of {path} have this tag"
            raise InputError(f"{legend.path}, line {entry.line}", found, "Give their width in metres")

"""Outlines on the map, in any vector file with a coordinate system: GeoJSON, GeoPackage and others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from landloom.config.objects import ObjectsConfig
from landloom.errors import InputError
from landloom.objects.marks import Mark, Marks, View
from landloom.objects.shapes import clockwise, rectangle
from landloom.raster import vectors


def read(path: Path, config: ObjectsConfig, view: View) -> Marks | None:
    """Objects whose outlines touch a scene.

    Raises:
        InputError: the scene has no place, or the file or its field cannot be read.
    """
    if view.crs is None or view.transform is None:
        found = f"scene '{view.name}' has no place on the map, which {config.format} needs"
        raise InputError(view.image, found, "Georeference it, or give boxes in pixels (coco, dota, yolo)")
    ends = [view.transform @ (x, y) for x in (0, view.width) for y in (0, view.height)]
    (left, bottom), (right, top) = np.min(ends, 0)[:2], np.max(ends, 0)[:2]
    found = vectors.read(path, (left, bottom, right, top), view.crs, columns=[config.field])
    return _marks(path, list(found[config.field]), list(found.geometry), view)


def _marks(path: Path, names: list[Any], shapes: list[Any], view: View) -> Iterator[Mark | InputError]:
    assert view.transform is not None
    back = ~view.transform
    for i, (name, shape) in enumerate(zip(names, shapes, strict=True), 1):
        where = f"{path}, outline {i} in scene '{view.name}'"
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            yield InputError(where, f"is a {shape.geom_type}", "Give polygons, such as boxes")
            continue
        hull = np.asarray(shape.convex_hull.exterior.coords)[:-1]
        points = np.array([(back @ (x, y))[:2] for x, y in hull[:, :2]])
        plain = shape.geom_type == "Polygon" and len(hull) == 4 == len(shape.exterior.coords) - 1
        yield Mark(where, str(name), clockwise(points) if plain else rectangle(points))

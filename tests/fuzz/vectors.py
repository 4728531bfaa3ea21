"""Shapes, as labels, as maps and as objects."""

from functools import partial
from pathlib import Path

import numpy as np
from rasterio.windows import Window as Slice

from landloom.objects import scene_objects
from landloom.raster import map_features, map_legend, vector_survey, vectors
from landloom.raster import survey as scene_survey
from landloom.raster.reader import SceneReader
from landloom.scenes.discovery import SceneFiles
from tests import maps, rasters
from tests.fuzz.target import Target
from tests.objects import lists

BOUNDS = (350000.0, 3819600.0, 350400.0, 3820000.0)


def _make(suffix: str, folder: Path) -> None:
    rasters.save(folder / "image.tif", rasters.noise(40, 40))
    shapes = [maps.box(i, i, i + 6, i + 9) for i in range(0, 30, 5)]
    tags = {"kind": ["ship", "plane"] * 3, "code": [1, 2] * 3, "share": list(np.linspace(0, 1, 6))}
    crs = "EPSG:4326" if suffix == ".geojson" else maps.CRS
    maps.save(folder / f"shapes{suffix}", shapes, crs=crs, **tags)
    maps.legend(folder, "key,value,class,width_m,order\nkind,ship,boat,5,1\nkind,*,other,,2\n")


def _file(folder: Path) -> Path:
    return next(
        p for p in sorted(folder.glob("shapes.*")) if p.suffix in (".gpkg", ".geojson", ".shp", ".fgb")
    )


def _read(folder: Path) -> None:
    """As maps and objects are read: layers, fields, ground and features of a part of it."""
    path = _file(folder)
    for layer in vectors.layers(path):
        vectors.describe(path, layer)
        vectors.extent(path, layer, maps.CRS)
    vectors.read(path, BOUNDS, maps.CRS)
    vectors.read(path, None, "EPSG:4326")
    list(vectors.parts(path, None, "kind", 4))


def _labels(folder: Path) -> None:
    """As masks are drawn from shapes, and as ``check`` counts them."""
    path, image = _file(folder), folder / "image.tif"
    data = rasters.config(folder, masks=str(path), vectors={"attribute": "code"})
    scene = SceneFiles("a", (image,), path)
    facts = scene_survey.look(scene, data, "train", 16)
    if problems := vector_survey.look([facts], data, 1).problems:
        raise problems[0]
    with SceneReader(scene, data) as reader:
        assert reader.labels is not None
        reader.labels.read(Slice(0, 0, 40, 40))


def _map(folder: Path) -> None:
    """As a map is drawn for a tile."""
    path = _file(folder)
    map_features.extent(path, None, maps.CRS)
    map_features.read(path, None, map_legend.read(folder / "legend.csv"), BOUNDS, maps.CRS)


def _objects(folder: Path) -> None:
    """As outlines of objects are read."""
    path = _file(folder)
    config = lists.config("geojson", path, field="kind")
    view = lists.view("image", 40, 40, crs=maps.CRS, transform=rasters.GRID)
    scene_objects.of(view, config, path)


def _of(kind: str, suffix: str, files: str, weight: int) -> list[Target]:
    make = partial(_make, suffix)
    return [
        Target(kind, name, (files,), make, read, weight)
        for name, read in (("features", _read), ("labels", _labels), ("map", _map), ("objects", _objects))
    ]


TARGETS = [
    *_of("GeoPackage", ".gpkg", "shapes.gpkg", 3),
    *_of("GeoJSON", ".geojson", "shapes.geojson", 3),
    *_of("Shapefile", ".shp", "shapes.*", 1),
    *_of("FlatGeobuf", ".fgb", "shapes.fgb", 1),
]

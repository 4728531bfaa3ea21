import re
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.objects import scene_objects
from landloom.objects.scene_objects import SceneObjects
from tests.objects.lists import config, corners, problem, view

PLACE = Affine(10, 0, 350000, 0, -10, 3820000)
"""Pixel 20, 10 lies at 350200, 3819900."""


def found(
    folder: Path, shapes: list[Any], names: list[str], suffix: str = ".gpkg", **place: Any
) -> SceneObjects:
    path = folder / f"all{suffix}"
    table = geopandas.GeoDataFrame({"class": names}, geometry=shapes, crs="EPSG:32652")
    (table.to_crs(4326) if suffix == ".geojson" else table).to_file(path)
    where = {"crs": "EPSG:32652", "transform": PLACE} | place
    return scene_objects.of(view(**where), config("geojson", path), path)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
def test_outlines_on_the_map_become_pixels(tmp_path: Path, suffix: str) -> None:
    box = shapely.box(350200, 3819600, 350600, 3819900)
    diamond = shapely.Polygon([(350300, 3819900), (350400, 3819800), (350300, 3819700), (350200, 3819800)])
    far = shapely.box(450200, 3819600, 450600, 3819900)
    result = found(tmp_path, [box, diamond, far], ["ship", "plane", "ship"], suffix)
    assert result.objects is not None
    assert [o.category for o in result.objects] == [0, 1]
    wanted = [[20, 10], [20, 40], [60, 10], [60, 40]]
    assert [pytest.approx(c, abs=0.01) for c in sorted(wanted)] == sorted(
        [round(v, 2) for v in c] for c in corners(result)
    )
    assert result.objects[1].quad().mean(0) == pytest.approx([30, 20], abs=0.01)


def test_what_cannot_be_placed_is_an_error(tmp_path: Path) -> None:
    box = shapely.box(350200, 3819600, 350600, 3819900)
    with pytest.raises(InputError, match=r"a\.tif: scene 'a' has no place on the map"):
        found(tmp_path, [box], ["ship"], transform=None)
    assert re.search("outline 1 in scene 'a': is a Point", problem(found(tmp_path, [box.centroid], ["ship"])))
    path = tmp_path / "all.gpkg"
    with pytest.raises(InputError, match="has no attribute 'kind'"):
        scene_objects.of(view(crs="EPSG:32652", transform=PLACE), config("geojson", path, field="kind"), path)

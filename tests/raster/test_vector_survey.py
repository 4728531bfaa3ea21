"""What ``check`` says of shapes before any job starts."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster import vector_survey
from landloom.raster.vector_survey import together
from tests import rasters
from tests.stages.test_check import problems, run

NAMES = "abcdefgh"
CRS = "EPSG:32652"


def boxes(values: list[Any], column: float = 0, **more: Any) -> gpd.GeoDataFrame:
    """A box for each value in each scene: 8 columns wide, side by side."""
    found = []
    for i, _ in enumerate(NAMES):
        for k, _ in enumerate(values):
            left, top = rasters.GRID @ (4096 * i + column + 8 * k, 0)
            found.append(shapely.box(left, top - 320, left + 80, top))
    return gpd.GeoDataFrame({"kind": values * len(NAMES)} | more, geometry=found, crs=CRS)


def config(folder: Path, found: gpd.GeoDataFrame | None, name: str = "all.gpkg", **more: Any) -> DataConfig:
    if found is not None:
        found.to_file(folder / name)
    classes = [
        {"name": "land", "color": "#000000"},
        {"name": "road", "values": ["road"], "color": "#ff0000"},
        {"name": "house", "values": ["house"], "color": "#0000ff"},
    ]
    source = {"images": f"{folder}/images/{{scene}}.tif", "masks": f"{folder}/{name}", "rest": "land"}
    given = source | {"classes": classes, "vectors": {"attribute": "kind"}}
    return DataConfig.model_validate(given | more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, name in enumerate(NAMES):
        rasters.save(tmp_path / "images" / f"{name}.tif", rasters.noise(32, 48, seed=i))
    return tmp_path


def test_sound_shapes_are_counted_as_pixels_and_nothing_is_said(folder: Path) -> None:
    found = run(folder, config(folder, boxes(["road", "house"])))
    assert found["warnings"] == []
    assert sum(found["classes"]["road"].values()) == 8 * 32 * 8
    assert sum(found["classes"]["land"].values()) == 8 * 32 * 32


def test_values_that_no_class_has_are_listed_with_their_counts(folder: Path) -> None:
    (said,) = problems(folder, config(folder, boxes(["road", "house", "barn", 7.0])))
    assert (
        "values of attribute 'kind' that no class has: 'barn' (8 shapes), '7.0' (8 shapes). Add each" in said
    )


def test_an_attribute_that_does_not_exist(folder: Path) -> None:
    data = config(folder, boxes(["road"], height=3.0), vectors={"attribute": "type"})
    (said,) = problems(folder, data)
    assert "all.gpkg: has no attribute 'type'. It has kind, height" in said


def test_shapes_without_a_coordinate_system(folder: Path) -> None:
    found = boxes(["road"])
    found.crs = None
    (said,) = problems(folder, config(folder, found))
    assert "has no coordinate system. Set it (ogr2ogr -a_srs" in said


def test_shapes_elsewhere(folder: Path) -> None:
    (said,) = problems(folder, config(folder, boxes(["road", "house"], column=500)))
    assert "all 16 shapes lie outside of every image. Give those of this ground, or correct the CRS" in said


def test_lines_cover_no_pixel(folder: Path) -> None:
    found = boxes(["road", "house"])
    found.geometry = [g.exterior if i % 2 else g for i, g in enumerate(found.geometry)]
    (said,) = problems(folder, config(folder, found))
    assert "8 shapes are lines or points, which cover no pixel. Buffer them" in said


def test_an_empty_layer(folder: Path) -> None:
    (said,) = problems(folder, config(folder, boxes(["road"]).iloc[:0]))
    assert "all.gpkg: holds no shape" in said


def test_of_several_layers_one_is_to_be_named(folder: Path) -> None:
    data = config(folder, boxes(["road", "house"]))
    boxes(["barn"]).to_file(folder / "all.gpkg", layer="barns")
    (said,) = problems(folder, data)
    assert "has 2 layers: all, barns" in said
    run(folder, config(folder, None, vectors={"attribute": "kind", "layer": "all"}))


def test_what_is_mended_or_left_out_is_counted(folder: Path) -> None:
    found = boxes(["road", "house"])
    left, top = rasters.GRID @ (0, 0)
    bow = shapely.Polygon([(left, top), (left + 80, top - 80), (left + 80, top), (left, top - 80)])
    far = shapely.box(left - 900, top, left - 800, top + 100)
    extra = gpd.GeoDataFrame(
        {"kind": ["road", "road", "road", None]}, geometry=[bow, far, None, bow], crs=CRS
    )
    data = config(folder, gpd.pd.concat([found, extra]))
    said = " ".join(run(folder, data)["warnings"])
    assert "2 shapes are invalid (they cross themselves, say) and were mended" in said
    assert "1 shapes have no geometry and are left out" in said
    assert "1 shapes lie outside of every image and are left out" in said
    assert "1 shapes have no value of the attribute, and their pixels are ignored" in said


def test_the_same_fault_of_many_files_is_one_problem_that_counts_them(folder: Path) -> None:
    for name in NAMES:
        one = boxes(["road"])
        one.crs = None
        one.to_file(folder / f"{name}.gpkg", layer="shapes")
    found = problems(folder, config(folder, None, "{scene}.gpkg"))
    assert len(found) == 1
    assert "a.gpkg, layer 'shapes', " in found[0]
    assert "c.gpkg, layer 'shapes' and 5 more: has no coordinate system" in found[0]


def test_problems_that_differ_stay_apart() -> None:
    given = [InputError("a", "x", "y"), InputError("b", "x", "z"), InputError("c", "x", "y")]
    assert [str(p) for p in together(given)] == ["a, c: x. y", "b: x. z"]


def test_parts_of_a_file_are_added_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = problems(folder, config(folder, boxes(["road", "barn"])))
    monkeypatch.setattr(vector_survey, "PART", 3)
    assert problems(folder, config(folder, None)) == whole


def test_masks_on_another_grid_are_stated_and_what_they_lack_is_counted(folder: Path) -> None:
    for name in NAMES:
        mask = rasters.halves(32, 48)
        if name == "c":
            mask = mask[:, :36]
        rasters.save(folder / "masks" / f"{name}.tif", mask)
    found = run(folder, rasters.config(folder, align="nearest"))
    assert found["scenes"][2]["aligned"] == [
        {"mask": f"{folder}/masks/c.tif", "crs": CRS, "pixel": [10.0, 10.0]}
    ]
    assert "aligned" not in found["scenes"][0]
    assert found["warnings"] == [
        "1 scenes, such as 'c', lie in part beside their masks: 384 of their pixels (25 %) are ignored"
    ]
    assert sum(sum(c.values()) for c in found["classes"].values()) == 8 * 32 * 48 - 384


def test_masks_that_cannot_be_aligned_are_one_problem(folder: Path) -> None:
    for name in NAMES:
        rasters.save(folder / "masks" / f"{name}.tif", np.ones((16, 16), np.uint8), crs=None)
    found = problems(folder, rasters.config(folder, align="nearest"))
    assert any("and 5 more: it lies on another grid than its image, and has no CRS" in p for p in found)

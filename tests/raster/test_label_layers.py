"""A file for each class, and shapes, read as one map of classes."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.transform import Affine

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.label_layers import polygons, spelt
from landloom.raster.labels import IGNORE
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles, discover
from tests import rasters

CRS = "EPSG:32652"
THREE = [
    {"name": "land", "color": "#000000"},
    {"name": "road", "color": "#ff0000"},
    {"name": "house", "color": "#0000ff"},
]


def config(folder: Path, **more: Any) -> DataConfig:
    """A config with a file for each class but the rest."""
    files = {"house": f"{folder}/{{scene}}_house.png", "road": f"{folder}/{{scene}}_road.png"}
    given = {"images": f"{folder}/{{scene}}.tif", "masks": files, "rest": "land", "classes": THREE}
    return DataConfig.model_validate(given | more)


def own(folder: Path, road: NDArray[Any], house: NDArray[Any], **more: Any) -> NDArray[np.uint8]:
    """Class map of a scene with a file for each of two classes."""
    rasters.save(folder / "a.tif", rasters.noise(8, 12))
    rasters.save(folder / "a_road.png", road)
    rasters.save(folder / "a_house.png", house)
    data = config(folder, **more)
    (scene,) = discover(data)
    return rasters.read(scene, data)[2]


def row(*values: int) -> NDArray[np.uint8]:
    """A mask (8, 12) whose first pixels are these, and 0 elsewhere."""
    mask = np.zeros((8, 12), np.uint8)
    mask[0, : len(values)] = values
    return mask


def test_what_is_not_zero_is_the_class_and_later_classes_lie_over_earlier(tmp_path: Path) -> None:
    found = own(tmp_path, row(0, 255, 1, 255), row(0, 0, 0, 7, 255))
    assert found[0, :6].tolist() == [0, 1, 1, 2, 2, 0]
    assert (found[1:] == 0).all()


def test_without_a_rest_other_pixels_are_ignored(tmp_path: Path) -> None:
    found = own(tmp_path, row(0, 255), row(0, 0, 255), rest=None, classes=THREE[1:])
    assert found[0, :4].tolist() == [IGNORE, 0, 1, IGNORE]


def test_values_and_ignored_values_in_files_of_a_class(tmp_path: Path) -> None:
    classes = [THREE[0], THREE[1] | {"values": [1]}, THREE[2]]
    found = own(tmp_path, row(1, 2, 9, 9), row(0, 0, 0, 5), classes=classes, ignore=[9])
    assert found[0, :5].tolist() == [1, 0, IGNORE, 2, 0]


def test_zero_as_nodata_is_no_class_and_hides_none(tmp_path: Path) -> None:
    rasters.save(tmp_path / "a.tif", rasters.noise(8, 12))
    rasters.save(tmp_path / "a_road.tif", row(0, 1), nodata=0)
    rasters.save(tmp_path / "a_house.tif", row(0, 0, 1, 200), nodata=200)
    files = {n: f"{tmp_path}/{{scene}}_{n}.tif" for n in ("road", "house")}
    data = config(tmp_path, masks=files)
    (scene,) = discover(data)
    found = rasters.read(scene, data)[2]
    # 200 is not 0: a value that is nodata and that no class lists is unknown ground.
    assert found[0, :5].tolist() == [0, 1, 2, IGNORE, 0]


def test_a_lossy_file_of_a_class_needs_a_tolerance(tmp_path: Path) -> None:
    rasters.save(tmp_path / "a.tif", rasters.noise(64, 64))
    road = np.zeros((64, 64), np.uint8)
    road[:, 20:40] = 255
    rasters.save(tmp_path / "a_road.jpg", road)
    rasters.save(tmp_path / "a_house.png", np.zeros((64, 64), np.uint8))
    files = {"road": f"{tmp_path}/{{scene}}_road.jpg", "house": f"{tmp_path}/{{scene}}_house.png"}
    (scene,) = discover(config(tmp_path, masks=files))
    with pytest.raises(InputError, match=r"a_road\.jpg: it is compressed with loss.*data\.tolerance"):
        rasters.read(scene, config(tmp_path, masks=files))
    found = rasters.read(scene, config(tmp_path, masks=files, tolerance=64), Window(0, 0, 64, 64))[2]
    np.testing.assert_array_equal(found, road > 0)


def test_a_file_of_a_class_on_another_grid(tmp_path: Path) -> None:
    """What the file does not cover may be the class: it is ignored unless a later class is there."""
    rasters.save(tmp_path / "a.tif", rasters.noise(8, 12))
    road = np.ones((8, 6), np.uint8)
    rasters.save(tmp_path / "a_road.tif", road)
    house = row()
    house[:, 10:] = 1
    rasters.save(tmp_path / "a_house.tif", house)
    files = {n: f"{tmp_path}/{{scene}}_{n}.tif" for n in ("road", "house")}
    data = config(tmp_path, masks=files, align="nearest")
    (scene,) = discover(data)
    assert rasters.read(scene, data)[2][0].tolist() == [1] * 6 + [IGNORE] * 4 + [2] * 2


def frame(*boxes: tuple[Any, float, float, float, float], crs: str = CRS) -> gpd.GeoDataFrame:
    """Boxes by value and by columns and rows of pixels: left, top, right, bottom."""
    corners = [(*(rasters.GRID @ b[1:3]), *(rasters.GRID @ b[3:])) for b in boxes]
    geometry = [shapely.box(*c) for c in corners]
    return gpd.GeoDataFrame({"kind": [b[0] for b in boxes]}, geometry=geometry, crs=CRS).to_crs(crs)


def shaped(folder: Path, found: gpd.GeoDataFrame, suffix: str = "gpkg", **more: Any) -> NDArray[np.uint8]:
    """Class map of a scene with shapes."""
    rasters.save(folder / "a.tif", rasters.noise(8, 12))
    found.to_file(folder / f"all.{suffix}")
    classes = [THREE[0], THREE[1] | {"values": ["road"]}, THREE[2] | {"values": ["house", "shed"]}]
    source = {"images": f"{folder}/{{scene}}.tif", "masks": f"{folder}/all.{suffix}", "rest": "land"}
    given = source | {"classes": classes, "vectors": {"attribute": "kind"}}
    data = DataConfig.model_validate(given | more)
    (scene,) = discover(data)
    return rasters.read(scene, data)[2]


def test_later_classes_lie_over_earlier_whatever_their_order_in_the_file(tmp_path: Path) -> None:
    found = shaped(tmp_path, frame(("shed", 2, 0, 4, 8), ("house", 3, 0, 5, 8), ("road", 0, 3, 12, 5)))
    expected = np.zeros((8, 12), np.uint8)
    expected[3:5] = 1
    expected[:, 2:5] = 2
    np.testing.assert_array_equal(found, expected)


def test_shapes_to_be_ignored_lie_over_all_and_so_do_those_without_a_value(tmp_path: Path) -> None:
    boxes = frame(("fog", 0, 0, 2, 8), (None, 4, 0, 5, 8), ("house", 0, 0, 8, 8))
    found = shaped(tmp_path, boxes, ignore=["fog"])
    assert found[0].tolist() == [IGNORE] * 2 + [2] * 2 + [IGNORE] + [2] * 3 + [0] * 4


@pytest.mark.parametrize(("all_touched", "columns"), [(False, 2), (True, 4)])
def test_pixels_that_are_touched(tmp_path: Path, all_touched: bool, columns: int) -> None:
    boxes = frame(("road", 1.6, 0.2, 4.4, 7.8))
    found = shaped(tmp_path, boxes, vectors={"attribute": "kind", "all_touched": all_touched})
    assert (found[4] == 1).sum() == columns


@pytest.mark.parametrize("column", [[1, 2], [1.0, 2.0], ["1", "2"]])
def test_numbers_are_found_however_a_column_holds_them(tmp_path: Path, column: list[Any]) -> None:
    boxes = frame((column[0], 0, 0, 4, 8), (column[1], 4, 0, 8, 8))
    classes = [THREE[0], THREE[1] | {"values": [1]}, THREE[2] | {"values": [2]}]
    assert shaped(tmp_path, boxes, classes=classes)[0].tolist() == [1] * 4 + [2] * 4 + [0] * 4


def test_values_as_texts() -> None:
    given = [1, 1.0, np.int64(1), "1", 1.5, "A b", "#AABBCC", True, None, float("nan")]
    assert [spelt(v) for v in given] == ["1", "1", "1", "1", "1.5", "A b", "#aabbcc", "true", None, None]


def test_without_an_attribute_all_shapes_are_the_class_that_is_not_the_rest(tmp_path: Path) -> None:
    found = shaped(tmp_path, frame(("x", 0, 0, 4, 8), ("y", 4, 0, 6, 8)), classes=THREE[:2], vectors=None)
    assert found[0].tolist() == [1] * 6 + [0] * 6


def test_one_file_of_shapes_for_each_class_beside_a_raster(tmp_path: Path) -> None:
    rasters.save(tmp_path / "a.tif", rasters.noise(8, 12))
    frame(("x", 0, 0, 4, 8)).to_file(tmp_path / "roads.gpkg")
    rasters.save(tmp_path / "a_house.png", row(0, 0, 1))
    masks = {"road": f"{tmp_path}/roads.gpkg", "house": f"{tmp_path}/{{scene}}_house.png"}
    data = config(tmp_path, masks=masks)
    (scene,) = discover(data)
    assert rasters.read(scene, data)[2][0, :6].tolist() == [1, 1, 2, 1, 0, 0]


def test_an_unknown_value_is_never_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"attribute 'kind': no class has the value 'barn'.*data\.ignore"):
        shaped(tmp_path, frame(("barn", 0, 0, 4, 8)))


def test_an_image_without_a_place_takes_no_shapes(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.png", rasters.noise(8, 12))
    frame(("x", 0, 0, 4, 8)).to_file(tmp_path / "all.gpkg")
    data = config(tmp_path, masks=f"{tmp_path}/all.gpkg", classes=THREE[:2])
    with pytest.raises(InputError, match=r"all\.gpkg: its shapes have no place in an image without a CRS"):
        rasters.read(SceneFiles("a", (image,), tmp_path / "all.gpkg"), data)


def test_a_mended_shape_keeps_its_areas_alone() -> None:
    bow = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4), (0, 0)])
    mixed = shapely.GeometryCollection([shapely.LineString([(0, 0), (1, 1)]), shapely.make_valid(bow)])
    assert sum(p.area for p in polygons(mixed)) == 8


FORMATS = [("gpkg", CRS), ("gpkg", "EPSG:4326"), ("geojson", "EPSG:4326"), ("shp", CRS), ("fgb", CRS)]


@pytest.mark.parametrize(("suffix", "crs"), FORMATS)
def test_massachusetts_masks_as_polygons_give_the_same_map(tmp_path: Path, suffix: str, crs: str) -> None:
    folder = rasters.real("massachusetts")
    names = sorted(p.name for p in (folder / "masks").glob("*.png"))
    masks = [rasterio.open(folder / "masks" / n).read(1) for n in names[:40]]
    mask = max(masks, key=lambda m: len(np.unique(m)))
    assert np.unique(mask).tolist() == [0, 1, 2]
    found = [(shapely.geometry.shape(s), int(v)) for s, v in shapes(mask, transform=rasters.GRID) if v]
    kinds = {"kind": [("road", "house")[v - 1] for _, v in found]}
    frame = gpd.GeoDataFrame(kinds, geometry=[s for s, _ in found], crs=CRS).to_crs(crs)
    frame.to_file(tmp_path / f"all.{suffix}")
    rasters.save(tmp_path / "a.tif", rasters.noise(256, 256))
    classes = [THREE[0], THREE[1] | {"values": ["road"]}, THREE[2] | {"values": ["house"]}]
    masks_at = f"{tmp_path}/all.{suffix}"
    data = config(tmp_path, masks=masks_at, classes=classes, vectors={"attribute": "kind"})
    (scene,) = discover(data)
    with SceneReader(scene, data) as reader:
        for window in (Window(0, 0, 256, 256), Window(37, 90, 100, 80)):
            r, c, h, w = window
            np.testing.assert_array_equal(reader.read(window)[2], mask[r : r + h, c : c + w])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 999), angle=st.sampled_from([0, 33]))
def test_windows_are_parts_of_the_whole(tmp_path: Path, seed: int, angle: float) -> None:
    rng = np.random.default_rng(seed)
    place = rasters.GRID @ Affine.rotation(angle)
    image = rasters.save(tmp_path / "a.tif", rasters.noise(32, 32), transform=place)
    centres = [shapely.Point(place @ tuple(rng.uniform(0, 32, 2))) for _ in range(6)]
    circles = [p.buffer(rng.uniform(10, 90)) for p in centres]
    path = tmp_path / f"{seed}_{angle}.gpkg"
    kinds = {"kind": list(rng.choice(["road", "house"], 6))}
    gpd.GeoDataFrame(kinds, geometry=circles, crs=CRS).to_file(path)
    classes = [THREE[0], THREE[1] | {"values": ["road"]}, THREE[2] | {"values": ["house"]}]
    data = config(tmp_path, masks=str(path), classes=classes, vectors={"attribute": "kind"})
    with SceneReader(SceneFiles("a", (image,), path), data) as reader:
        whole = reader.read(Window(0, 0, 32, 32))[2]
        for r, c in [(0, 0), (0, 16), (16, 0), (16, 16), (5, 9)]:
            part = reader.read(Window(r, c, 16, 16))[2]
            np.testing.assert_array_equal(part, whole[r : r + 16, c : c + 16])

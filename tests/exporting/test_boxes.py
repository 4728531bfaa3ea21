"""Formats of boxes, read back with the tools of their users and with our own readers."""

import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO  # type: ignore[import-untyped]
from rasterio.transform import Affine

from landloom.config.export import BOXES, ExportConfig
from landloom.data.objects import Object
from landloom.errors import InputError
from landloom.exporting import boxes as shown_boxes
from landloom.objects.shapes import shares_within
from landloom.stages import export
from tests import exports
from tests.exporting import boxes
from tests.exporting.boxes import BEYOND, HEIGHT, LEVEL, TURNED, WIDTH, cycles, make, read

READ = {
    "coco-boxes": ("coco", "coco-boxes/annotations.json"),
    "dota": ("dota", "dota/labelTxt/{scene}.txt"),
    "yolo-boxes": ("yolo", "yolo-boxes/labels/train/{scene}.txt"),
    "yolo-obb": ("yolo-obb", "yolo-obb/labels/train/{scene}.txt"),
}
HYPHENED = ["ship", "small-vehicle"]


def back(out: Path, name: str, scene: str, **more: Any) -> list[Object]:
    """The objects of a sample, by our own reader; all must be well."""
    form, path = READ[name]
    found = read(form, out / path, scene, HYPHENED if name == "dota" else boxes.NAMES, **more)
    assert (found.problems, found.remarks) == ([], {})
    assert found.objects is not None
    return found.objects


@pytest.mark.parametrize("name", ["coco-boxes", "dota", "yolo-obb"])
def test_our_own_readers_find_the_same_corners(tmp_path: Path, name: str) -> None:
    found = back(make(tmp_path, [name]), name, "a")
    assert [o.category for o in found] == [0, 1]
    assert [cycles(o.corners) for o in found] == [cycles(LEVEL.corners), cycles(TURNED.corners)]
    if name != "yolo-obb":  # the format has no difficult objects
        assert [o.difficult for o in found] == [False, True]


@pytest.mark.parametrize("name", sorted(READ))
def test_who_was_not_looked_at_is_left_out_and_who_has_none_is_there(tmp_path: Path, name: str) -> None:
    out = make(tmp_path, [name])
    assert back(out, name, "empty") == []
    form, path = READ[name]
    for left_out in ("unknown", "bad"):
        (error,) = read(form, out / path, left_out, HYPHENED).problems
        assert "is not in the files of objects" in str(error)
    about = json.loads((out / "dataset.json").read_text())
    assert about["boxes"] == {
        "samples": 3, "not_looked_at": 1, "objects": {"ship": 2, "small vehicle": 1}
    }  # fmt: skip
    card = (out / "README.md").read_text()
    assert "object-detection" in card
    assert "Samples with a list of objects: 3 (ship 2, small vehicle 1)" in card
    assert "nobody looked for objects in them: 1." in card


def test_pycocotools_reads_boxes_and_draws_corners(tmp_path: Path) -> None:
    out = make(tmp_path, ["coco-boxes"])
    found = COCO(out / "coco-boxes/annotations.json")
    assert [(c["id"], c["name"]) for c in found.loadCats(found.getCatIds())] == [
        (1, "ship"), (2, "small vehicle")
    ]  # fmt: skip
    images = found.loadImgs(found.getImgIds())
    assert [i["file_name"] for i in images] == ["a.png", "empty.png", "edge.png"]
    for image in images:
        picture = Image.open(out / "imagefolder/train" / image["file_name"])
        assert picture.size == (image["width"], image["height"]) == (WIDTH, HEIGHT)
    level, turned, beyond = found.loadAnns(found.getAnnIds())
    assert [n["image_id"] for n in (level, turned, beyond)] == [1, 1, 3]
    assert (level["bbox"], level["area"], level["iscrowd"]) == ([2, 1, 4, 3], 12, 0)
    assert (turned["bbox"], turned["area"], turned["iscrowd"]) == ([8.5, 2, 5.5, 5], 12.5, 1)
    assert (beyond["bbox"], beyond["area"]) == ([0, 6, 3, 3], 9)
    assert beyond["segmentation"] == [BEYOND.corners]
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    drawn[1:4, 2:6] = 1
    np.testing.assert_array_equal(found.annToMask(level), drawn)
    drawn[:] = 0
    drawn[6:9, :3] = 1
    np.testing.assert_array_equal(found.annToMask(beyond), drawn)
    assert found.annToMask(turned).sum() == pytest.approx(12.5, abs=3)


def test_dota_has_its_headers_and_no_spaces_in_names(tmp_path: Path) -> None:
    out = make(tmp_path, ["dota"])
    assert (out / "dota/labelTxt/a.txt").read_text().splitlines() == [
        "imagesource:synthetic",
        "gsd:0.5",
        "2.000 1.000 6.000 1.000 6.000 4.000 2.000 4.000 ship 0",
        "10.000 2.000 14.000 5.000 12.500 7.000 8.500 4.000 small-vehicle 1",
    ]
    assert (out / "dota/labelTxt/empty.txt").read_text() == "imagesource:synthetic\ngsd:null\n"
    assert (out / "dota/labelTxt/edge.txt").read_text().splitlines()[2].startswith("-1.000 6.000")
    assert sorted(p.name for p in (out / "dota/images").iterdir()) == ["a.png", "edge.png", "empty.png"]


def test_yolo_has_the_level_box_around_what_is_in_the_image(tmp_path: Path) -> None:
    out = make(tmp_path, ["yolo-boxes"])
    root = out / "yolo-boxes"
    about = yaml.safe_load((root / "data.yaml").read_text())
    assert about == {"train": "images/train", "val": "images/val", "names": {0: "ship", 1: "small vehicle"}}
    assert "Synthetic" in (root / "data.yaml").read_text()
    texts = {p.stem: p.read_text() for p in (root / "labels/train").iterdir()}
    assert texts == {
        "a": "0 0.2 0.25 0.2 0.3\n1 0.5625 0.45 0.275 0.5\n",
        "empty": "",
        "edge": "0 0.075 0.75 0.15 0.3\n",
    }
    assert sorted(p.stem for p in (root / "images/train").iterdir()) == sorted(texts)


def test_yolo_obb_has_corners_in_the_image(tmp_path: Path) -> None:
    out = make(tmp_path, ["yolo-obb"])
    labels = out / "yolo-obb/labels/train"
    assert labels.joinpath("a.txt").read_text().splitlines()[0] == "0 0.1 0.1 0.3 0.1 0.3 0.4 0.1 0.4"
    assert labels.joinpath("empty.txt").read_text() == ""
    (edge,) = back(out, "yolo-obb", "edge")
    assert cycles(edge.corners) == [[0, 6], [3, 6], [3, 9], [0, 9]]


def test_geopandas_places_boxes_on_the_map(tmp_path: Path) -> None:
    out = make(tmp_path, ["geojson-boxes"])
    path = out / "geojson-boxes/boxes.geojson"
    found = geopandas.read_file(path)
    assert found.crs.to_epsg() == 4326
    assert list(found["class"]) == ["ship", "small vehicle"]
    assert list(found["sample"]) == ["a", "a"]
    assert list(found["difficult"]) == [False, True]
    assert found["synthetic"].all()
    assert all(shape.exterior.is_ccw for shape in found.geometry)  # as RFC 7946 wants it
    for one, shape in zip((LEVEL, TURNED), found.to_crs(exports.CRS).geometry, strict=True):
        wanted = [Affine(*exports.TRANSFORM) @ (x, y) for x, y in one.quad()]
        corners = np.array(shape.exterior.coords)[:4]
        np.testing.assert_allclose(corners[[0, 3, 2, 1]], wanted, rtol=0, atol=0.01)  # metres
    assert json.loads((out / "dataset.json").read_text())["boxes"]["without_place"] == 1
    assert "no place on Earth: 1." in (out / "README.md").read_text()
    own = read("geojson", path, "a")
    assert own.objects is not None
    for one, wanted_one in zip(own.objects, (LEVEL, TURNED), strict=True):
        np.testing.assert_allclose(np.array(cycles(one.corners)), cycles(wanted_one.corners), atol=0.01)


def test_a_box_on_180_degrees_is_cut_there(tmp_path: Path) -> None:
    place = {"crs": "EPSG:32601", "transform": [10, 0, 217700, 0, -10, 4000000]}  # 180 degrees is near 229000
    wide = Object(0, [0.0, 0.0, 2000.0, 0.0, 2000.0, 5.0, 0.0, 5.0])
    out = make(tmp_path, ["geojson-boxes"], [boxes.sample("x", [wide], **place)])
    (shape,) = geopandas.read_file(out / "geojson-boxes/boxes.geojson").geometry
    assert shape.geom_type == "MultiPolygon"
    west, _, east, _ = shape.bounds
    assert (west, east) == (-180, 180)


turned = st.tuples(
    st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(1, 30), st.floats(1, 30), st.floats(0, np.pi)
)


@settings(max_examples=200, deadline=None)
@given(turned)
def test_a_box_cut_at_the_edge_lies_inside_and_holds_what_is_seen(
    given_box: tuple[float, float, float, float, float],
) -> None:
    x, y, width, height, angle = given_box
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    quad = corners @ turn + [x, y]
    found = shown_boxes.cut(quad, (HEIGHT, WIDTH))
    assert (found >= 0).all()
    assert (found <= [WIDTH, HEIGHT]).all()
    assert shapely.polygons(found).is_valid
    inside = shares_within(quad[None], (0, 0, WIDTH, HEIGHT))[0] == 1
    if inside:
        np.testing.assert_array_equal(found, quad)
    points, area = shown_boxes.part(quad, (HEIGHT, WIDTH))
    seen = shapely.convex_hull(shapely.multipoints(points))
    assert area == pytest.approx(seen.area)
    common = shapely.intersection(shapely.polygons(found), seen).area
    least = 0.5 if len(seen.exterior.coords) == 4 else 2 / np.pi
    assert common >= (least - 1e-6) * shapely.union(shapely.polygons(found), seen).area


@pytest.mark.parametrize("name", sorted(BOXES))
def test_data_without_objects_have_no_boxes(tmp_path: Path, name: Any) -> None:
    exports.statistics().save(tmp_path / "statistics.json")
    shard = exports.curated(tmp_path / "c.parquet")
    with pytest.raises(InputError, match=rf"export\.formats: {name}, but the data have no objects"):
        export.run(
            ExportConfig(formats=[name]), "tiny", tmp_path / "statistics.json", [shard], tmp_path / "out"
        )


def test_other_formats_say_nothing_of_boxes(tmp_path: Path) -> None:
    out = make(tmp_path, ["imagefolder"])
    assert "boxes" not in json.loads((out / "dataset.json").read_text())
    assert "Objects" not in (out / "README.md").read_text()


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (make(tmp_path / n, sorted(BOXES)) for n in ("a", "b"))
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert len(files) > 20
    assert all((first / p).read_bytes() == (second / p).read_bytes() for p in files)

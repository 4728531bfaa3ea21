import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as runs

from landloom.errors import InputError
from landloom.objects import scene_objects
from tests.objects.lists import coco, config, corners, problem, view

BOX = {"bbox": [20, 10, 40, 30]}
DIAMOND = {"bbox": [20, 10, 20, 20], "segmentation": [[30, 10, 40, 20, 30, 30, 20, 20]]}


def test_a_box_has_its_corners_and_a_crowd_is_difficult(tmp_path: Path) -> None:
    found = coco(tmp_path, BOX, BOX | {"category_id": 2, "iscrowd": 1})
    assert corners(found) == [[20, 10], [60, 10], [60, 40], [20, 40]]
    assert found.objects is not None
    assert [(o.category, o.difficult) for o in found.objects] == [(0, False), (1, True)]


def test_an_outline_gives_the_smallest_rectangle_or_its_box(tmp_path: Path) -> None:
    assert corners(coco(tmp_path, DIAMOND)) == [[30, 10], [40, 20], [30, 30], [20, 20]]
    assert corners(coco(tmp_path, DIAMOND, kind="horizontal")) == [[20, 10], [40, 10], [40, 30], [20, 30]]
    bare = {"segmentation": DIAMOND["segmentation"]}
    assert corners(coco(tmp_path, bare, kind="horizontal")) == [[20, 10], [40, 10], [40, 30], [20, 30]]


@pytest.mark.parametrize("packed", [False, True])
def test_run_lengths_are_outlines_too(tmp_path: Path, packed: bool) -> None:
    region = np.zeros((100, 200), np.uint8)
    region[10:40, 20:60] = 1
    found: dict[str, Any] = runs.encode(np.asfortranarray(region))
    found["counts"] = found["counts"].decode()
    if not packed:
        flat = region.ravel(order="F")
        edges = np.flatnonzero(np.diff(flat)) + 1
        found["counts"] = np.diff([0, *edges, len(flat)]).tolist()
    assert sorted(corners(coco(tmp_path, {"segmentation": found}))) == [
        [20, 10],
        [20, 40],
        [60, 10],
        [60, 40],
    ]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ({"bbox": [20, 10, 190, 90]}, r"reaches beyond the image of 200 x 100 pixels\. .*not two corners"),
        ({"bbox": [20, 10, -4, 90]}, r"a side below 0"),
        ({"bbox": [0.2, 0.1, 0.4, 0.3]}, r"lies in one pixel\. It is in pixels, not in shares"),
        ({"bbox": [20, 10]}, r"annotations\[0\] \(image 'a\.tif'\): bbox is \[20, 10\]"),
        ({}, r"bbox is None"),
        ({"bbox": [1, 1, 9, 9], "segmentation": [[1, 2, 3]]}, "segmentation cannot be read"),
        (
            BOX | {"category_id": 0},
            r"category_id is 0, and the file has the categories 1, 2\. .*shifted by one",
        ),
    ],
)
def test_what_nobody_can_read_names_its_annotation(
    tmp_path: Path, annotation: dict[str, Any], said: str
) -> None:
    found = problem(coco(tmp_path, annotation))
    assert re.search(said, found), found


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ({"width": 100, "height": 200}, r"image 'a\.tif': it says 100 x 200 pixels, .* 200 x 100\. .*EXIF"),
        ({"width": 400, "height": 200}, r"it says 400 x 200 .*as it was$"),
        ({"id": 8}, r"1 annotations are of images that are not listed, such as image_id 7"),
    ],
)
def test_an_image_that_does_not_fit_is_an_error(tmp_path: Path, image: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        coco(tmp_path, BOX, image=image)


def test_an_image_is_known_by_its_name_and_by_its_folder_where_names_are_alike(tmp_path: Path) -> None:
    assert coco(tmp_path, BOX, image={"file_name": "elsewhere/a.jpg"}).objects
    assert coco(tmp_path, BOX, image={"file_name": "b.tif"}, unlisted="none").objects == []
    path = tmp_path / "two.json"
    images = [{"id": i, "file_name": f"{f}/a.tif"} for i, f in enumerate(["x", "images"])]
    notes = [BOX | {"image_id": i, "category_id": i} for i in (0, 1)]
    body = {
        "images": images,
        "annotations": notes,
        "categories": [{"id": i, "name": n} for i, n in enumerate(("ship", "plane"))],
    }
    path.write_text(json.dumps(body))
    found = scene_objects.of(view(), config("coco", path), path).objects
    assert found is not None
    assert [o.category for o in found] == [1]
    images[1]["file_name"] = "y/a.tif"
    path.write_text(json.dumps(body))
    with pytest.raises(InputError, match="2 images are called 'a'"):
        scene_objects.of(view(), config("coco", path), path)


def test_other_json_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text("[]")
    with pytest.raises(InputError, match=r"all\.json: is not COCO with images"):
        scene_objects.of(view(), config("coco", tmp_path / "all.json"), tmp_path / "all.json")
    with pytest.raises(InputError, match=r"gone\.json: the file does not exist"):
        scene_objects.of(view(), config("coco", tmp_path / "gone.json"), tmp_path / "gone.json")


def test_many_errors_of_one_kind_are_one(tmp_path: Path) -> None:
    found = coco(tmp_path, *[BOX | {"category_id": 9}] * 3, {"bbox": [1]})
    merged = [str(p) for p in scene_objects.merged(found.problems)]
    assert len(merged) == 2
    assert "annotations[0] (image 'a.tif') (and 2 more in this file)" in merged[0]


@pytest.mark.parametrize(
    "given",
    [
        {"size": [10**6, 10**6], "counts": [10**12]},
        {"size": [100, 200], "counts": [float("inf")]},
        {"size": [100, 200], "counts": [-5, 10]},
        {"size": [100], "counts": [1]},
    ],
)
def test_run_lengths_of_no_image(tmp_path: Path, given: dict[str, Any]) -> None:
    found = coco(tmp_path, {"bbox": [1, 1, 5, 5], "segmentation": given})
    assert "annotations[0]" in problem(found)
    assert "segmentation cannot be read" in problem(found)


@pytest.mark.parametrize("more", [{"width": "x"}, {"width": None, "height": "100"}, {"id": [7]}])
def test_images_of_no_size_or_id(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"all\.json"):
        coco(tmp_path, {"bbox": [1, 1, 5, 5]}, image=more)

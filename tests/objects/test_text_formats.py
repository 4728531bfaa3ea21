"""DOTA, YOLO and YOLO-OBB: one text file for each image."""

import re
from pathlib import Path

import pytest

from landloom.objects import scene_objects
from tests import rasters
from tests.objects.lists import config, corners, problem, text, view

QUAD = "20 10 60 10 60 40 20 40"


def test_dota_has_headers_corners_and_difficult(tmp_path: Path) -> None:
    found = text(
        tmp_path,
        "dota",
        "imagesource:GoogleEarth",
        "gsd:0.25",
        f"{QUAD} plane 1",
        "",
        "20 40 60 40 60 10 20 10 ship",
    )
    assert found.objects is not None
    assert [(o.category, o.difficult) for o in found.objects] == [(1, True), (0, False)]
    assert corners(found, 0) == [[20, 10], [60, 10], [60, 40], [20, 40]]
    assert corners(found, 1)[0] == [20, 40]  # the first stays first, the others run clockwise
    assert corners(found, 1)[1] == [20, 10]


def test_yolo_has_centres_and_sides_as_shares(tmp_path: Path) -> None:
    found = text(tmp_path, "yolo", "1 0.2 0.25 0.2 0.3")
    assert corners(found) == [[20, 10], [60, 10], [60, 40], [20, 40]]
    assert found.objects is not None
    assert found.objects[0].category == 1


def test_yolo_obb_has_corners_as_shares(tmp_path: Path) -> None:
    found = text(tmp_path, "yolo-obb", "0 0.1 0.1 0.3 0.1 0.3 0.4 0.1 0.4")
    assert corners(found) == [[20, 10], [60, 10], [60, 40], [20, 40]]


def test_horizontal_boxes_stand_around_turned_ones(tmp_path: Path) -> None:
    found = text(tmp_path, "dota", "30 10 40 20 30 30 20 20 ship 0", kind="horizontal")
    assert corners(found) == [[20, 10], [40, 10], [40, 30], [20, 30]]


def test_an_empty_file_says_that_there_is_nothing(tmp_path: Path) -> None:
    found = text(tmp_path, "yolo")
    assert found.objects == []
    assert not found.remarks


@pytest.mark.parametrize(
    ("kind", "line", "said"),
    [
        ("dota", "1 2 3 4 5 ship 0", r"a\.txt, line 1: has 7 words, not 9 or 10"),
        ("dota", f"{QUAD} ship hard", r"difficult is 'hard'"),
        ("dota", "20 10 60 x 60 40 20 40 ship 0", r"line 1: 'x' is not a number"),
        ("dota", "20 10 60 nan 60 40 20 40 ship 0", r"'nan' is not a number"),
        ("dota", f"{QUAD} boat 0", r"class 'boat' is neither .* the classes are ship, plane"),
        ("dota", "20 10 60 40 60 10 20 40 ship 0", r"the corners cross.*in order around"),
        ("dota", "520 10 560 10 560 40 520 40 ship", r"the centre \(540, 25\) lies outside of images/a\.tif"),
        ("yolo", "2 0.2 0.25 0.2 0.3", r"class is '2', and .* the ids 0 to 1\. Ids seem to count from 1"),
        ("yolo", "ship 0.2 0.25 0.2 0.3", r"class is 'ship'"),
        ("yolo", "0 40 25 40 30", r"40 is above 1\. .*divide pixels by them"),
        ("yolo", "0 -0.2 0.25 0.2 0.3", r"-0\.2 is below 0"),
        ("yolo", "0 0.9 0.25 0.8 0.3", r"reaches beyond the image, .* those of the centre, not of a corner"),
        ("yolo", "0 0.2 0.25 0.2 0.3 45", r"has 5 numbers .* not 4\. .*degrees or radians"),
        ("yolo", "0 0.1 0.1 0.3 0.1 0.3 0.4 0.1 0.4", r"has 8 numbers .*looks like yolo-obb"),
        ("yolo", "0 0.1 0.1 0.3 0.1 0.3 0.4", r"has 6 numbers .*yolo-seg"),
        ("yolo-obb", "0 0.2 0.25 0.2 0.3 0.7", r"has 5 numbers .* not 8\. .*degrees or radians"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_names_its_line(tmp_path: Path, kind: str, line: str, said: str) -> None:
    found = text(tmp_path, kind, line)
    assert found.objects == []
    assert re.search(said, problem(found)), problem(found)


def test_what_can_be_left_out_is_counted(tmp_path: Path) -> None:
    empty, twice, out = "20 10 20 10 20 10 20 10 ship", f"{QUAD} ship", "170 10 220 10 220 40 170 40 plane"
    found = text(tmp_path, "dota", empty, twice, twice, f"{QUAD} plane", out)
    assert found.problems == []
    assert found.objects is not None
    assert [o.category for o in found.objects] == [0, 1, 1]
    places = {kind: [p.rsplit(" ", 1)[1] for p in where] for kind, where in found.remarks.items()}
    assert places == {scene_objects.EMPTY: ["1"], scene_objects.TWICE: ["3"], scene_objects.BEYOND: ["5"]}


def test_ignored_classes_are_left_out_and_the_ids_of_the_others_close_up(tmp_path: Path) -> None:
    found = text(tmp_path, "yolo", "0 0.2 0.25 0.2 0.3", "1 0.2 0.25 0.2 0.3", ignore=["ship"])
    assert found.objects is not None
    assert [o.category for o in found.objects] == [0]
    found = text(tmp_path, "dota", f"{QUAD} boat", ignore=["boat"])
    assert found.objects == []


@pytest.mark.parametrize(("unlisted", "objects"), [("none", []), ("unlabelled", None)])
def test_a_scene_without_a_file_is_what_the_config_says(
    tmp_path: Path, unlisted: str, objects: list[int] | None
) -> None:
    path = tmp_path / "a.txt"
    found = scene_objects.of(view(), config("dota", tmp_path / "{scene}.txt", unlisted=unlisted), path)
    assert (found.objects, found.problems) == (objects, [])
    assert sum(map(len, found.remarks.values())) == 1
    silent = scene_objects.of(view(), config("dota", tmp_path / "{scene}.txt"), path)
    assert "scene 'a' is not in the files of objects" in problem(silent)


def test_real_dota_is_read_whole(tmp_path: Path) -> None:
    """538 lines, two of them headers."""
    folder = rasters.real("dota-sample", "labelTxt")
    made = config("dota", folder / "{scene}.txt").model_copy(
        update={"classes": ["ship", "small-vehicle", "large-vehicle", "harbor"]}
    )
    found = scene_objects.of(view("P0706", 1182, 1111), made, folder / "P0706.txt")
    assert found.problems == []
    assert found.objects is not None
    left = sum(len(found.remarks.get(k, [])) for k in (scene_objects.EMPTY, scene_objects.TWICE))
    assert len(found.objects) + left == 536

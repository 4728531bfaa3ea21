"""Scenes in the page: as fine as their room allows."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landloom.raster import palette
from landloom.reporting import scene_views
from landloom.reporting.display import Display
from landloom.reporting.scene_views import SceneFiles
from tests import exports, report_world
from tests.reporting.test_pictures import opened

HEIGHT, WIDTH = 1100, 1500


def scene(folder: Path, author: str = "") -> SceneFiles:
    rng = np.random.default_rng(1)
    mask = rng.integers(0, 3, (HEIGHT // 20, WIDTH // 20)).astype(np.uint8).repeat(20, 0).repeat(20, 1)
    image = rng.integers(0, 256, (3, HEIGHT, WIDTH)).astype(np.uint8)
    place = folder / author / "scenes" if author else folder / "scene_masks"
    report_world.scene(place, "east", image, mask)
    return SceneFiles(place / "east.image.tif", place / "east.mask.tif")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SceneFiles:
    return scene(tmp_path_factory.mktemp("scenes"), "landloom")


DISPLAY = Display(exports.statistics())


def test_names_are_those_of_the_files(files: SceneFiles) -> None:
    assert (files.name, files.author) == ("east", "landloom")
    assert SceneFiles(Path("r/scene_masks/a.b.image.tif"), Path("x")).author == ""


def test_with_room_all_pixels_are_there(files: SceneFiles) -> None:
    (view,) = scene_views.section([files], DISPLAY, 1e9)
    data = json.loads(view["data"])
    assert (data["height"], data["width"], data["finest"]) == (HEIGHT, WIDTH, 1)
    assert [(lv["height"], lv["width"], len(lv["pieces"])) for lv in data["levels"]] == [
        (550, 750, 4),
        (1100, 1500, 9),
    ]
    sizes = [opened(mask).size for _, mask in data["levels"][1]["pieces"]]
    assert sizes == [(w, h) for h in (512, 512, 76) for w in (512, 512, 476)]
    assert view["finest"] == (HEIGHT, WIDTH)
    assert opened(view["mask"]).size == (375, 275)


def test_pieces_of_the_mask_put_together_are_the_mask(files: SceneFiles) -> None:
    (view,) = scene_views.section([files], DISPLAY, 1e9)
    masks = [mask for _, mask in json.loads(view["data"])["levels"][1]["pieces"]]
    pieces = [np.asarray(opened(m).convert("RGB")) for m in masks]
    whole = np.concatenate([np.concatenate(pieces[i : i + 3], 1) for i in (0, 3, 6)])
    with rasterio.open(files.mask) as file:
        assert (whole == palette.rgb(file.read(1), DISPLAY.statistics.colors)).all()


def test_without_room_finer_scales_are_left_out(files: SceneFiles) -> None:
    whole = scene_views.section([files], DISPLAY, 1e9)[0]
    room = len(whole["image"]) + len(whole["mask"])
    room += sum(len(p) for pair in json.loads(whole["data"])["levels"][0]["pieces"] for p in pair)
    (some,) = scene_views.section([files], DISPLAY, room)
    assert some["finest"] == (550, 750)
    assert json.loads(some["data"])["finest"] == 2
    (least,) = scene_views.section([files], DISPLAY, room - 1)
    assert least["finest"] == (275, 375)
    assert json.loads(least["data"])["levels"] == []
    assert scene_views.section([files], DISPLAY, 0)[0]["image"] == whole["image"]  # it is always there


def test_scenes_share_the_room_and_some_are_left_out(files: SceneFiles) -> None:
    whole = len(scene_views.section([files], DISPLAY, 1e9)[0]["data"])
    views = scene_views.section([files] * 30, DISPLAY, whole)
    assert len(views) == scene_views.SCENES
    assert {v["finest"] for v in views} == {(275, 375)}
    assert scene_views.section([], DISPLAY, 1e9) == []

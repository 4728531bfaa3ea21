"""Scenes without labels, as the check sees them."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from landloom.scenes.discovery import discover, divided, split_scenes
from tests import rasters
from tests.stages.test_check import problems, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rasters.scenes(tmp_path)
    return tmp_path


def test_unlabelled_scenes_are_looked_at_without_a_mask(folder: Path) -> None:
    rasters.save(
        folder / "more/y.tif", rasters.noise(32, 48), transform=rasters.GRID @ Affine.translation(9e4, 0)
    )
    (folder / "masks/a.tif").write_text("never opened")
    names = {
        n: s for n, s in split_scenes(discover(rasters.config(folder)), rasters.config(folder).split).items()
    }
    data = rasters.config(folder, unlabelled=f"{folder}/more/{{scene}}.tif")
    assert any("masks/a.tif" in p for p in problems(folder, data))
    rasters.save(folder / "masks/a.tif", rasters.halves(32, 48))
    found = run(folder, data)
    assert (found["windows"]["unlabelled"], found["classes"]["class1"].keys()) == (
        6,
        {"train", "val", "test"},
    )
    assert {s["name"]: s["split"] for s in found["scenes"]} == names | {"y": "unlabelled"}


def test_labels_that_are_not_used_are_not_opened(folder: Path) -> None:
    data = rasters.config(folder, split={"labelled": 0.4})
    withheld = [n for n, s in divided(data)[1].items() if s == "unlabelled"]
    for name in withheld:
        (folder / f"masks/{name}.tif").unlink()
    assert (len(withheld), run(folder, data)["windows"]["unlabelled"]) == (3, 18)


def test_a_share_of_labels_that_lacks_a_class_names_the_share(folder: Path) -> None:
    data = rasters.config(folder, split={"labelled": 0.2})
    kept = [n for n, s in divided(data)[1].items() if s == "train"]
    for name in kept:
        rasters.save(folder / f"masks/{name}.tif", np.ones((32, 48), np.uint8))
    (problem,) = problems(folder, data)
    assert re.search(
        "'class2': only val and test hold it, train does not.*data.split.labelled is low", problem
    )


def test_an_unlabelled_scene_over_a_test_scene_is_a_leak(folder: Path) -> None:
    data = rasters.config(folder, unlabelled=f"{folder}/more/{{scene}}.tif")
    labels = divided(rasters.config(folder))[1]
    by_split = {split: name for name, split in labels.items()}
    with rasterio.open(folder / f"images/{by_split['train']}.tif") as file:
        rasters.save(folder / "more/y.tif", rasters.noise(32, 48), transform=file.transform)
    run(folder, data)
    (folder / "check.json").unlink()
    with rasterio.open(folder / f"images/{by_split['test']}.tif") as file:
        rasters.save(folder / "more/y.tif", rasters.noise(32, 48), transform=file.transform)
    (problem,) = problems(folder, data)
    assert re.search(r"overlap on the ground, 1 times.*\(unlabelled\)", problem)

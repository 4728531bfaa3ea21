"""What the check says of scales before any tile is cut."""

from pathlib import Path
from typing import Any

import pytest

from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.raster import levels, survey
from landloom.scenes.discovery import divided
from tests import rasters


def look(data: DataConfig, **tile: Any) -> tuple[list[str], list[str]]:
    scenes, labels = divided(data)
    config = TileConfig(**{"size": 16} | tile)
    facts = [survey.look(s, data, labels[s.name], config.size) for s in scenes]
    found = levels.look(facts, data, config)
    return [str(p) for p in found.problems], found.remarks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rasters.scenes(tmp_path, "ab", 64, 64)
    rasters.scenes(tmp_path, "cde", 32, 48)
    return tmp_path


def test_one_scale_is_not_looked_at(folder: Path) -> None:
    assert look(rasters.config(folder)) == ([], [])
    assert look(rasters.config(folder), size=512) == ([], [])


def test_scenes_without_a_tile_at_a_level_are_counted(folder: Path) -> None:
    split = {"by": "scene", "val": ["d"], "test": ["e"]}
    problems, warnings = look(rasters.config(folder, split=split), scales=[4, 1, 2])
    assert (problems, len(warnings)) == ([], 1)
    assert warnings[0] == "3 scenes have no tile of scale 4, of 64 pixels of the scene, such as 'c'"


def test_a_level_that_no_train_scene_reaches_is_an_error(folder: Path) -> None:
    split = {"by": "scene", "val": ["a"], "test": ["b"]}
    problems, warnings = look(rasters.config(folder, split=split), scales=[1, 2, 4])
    (problem,) = problems
    assert problem.startswith(
        "tile.scales: no scene of train holds a tile of scale 4, of 64 pixels of the scene"
    )
    assert warnings == []
    assert look(rasters.config(folder, split=split), scales=[1, 4], pad=True) == ([], [])


def test_blocks_too_small_for_a_level_are_an_error(folder: Path) -> None:
    split = {"by": "block", "block": 32, "val": 0.2, "test": 0.2}
    (problem,), _ = look(rasters.config(folder, split=split), scales=[1, 2, 4], pad=True)
    assert "no block of train holds a tile of scale 4" in problem
    assert "a larger data.split.block" in problem


def test_metres_and_pixels_are_not_mixed(folder: Path) -> None:
    for path in (folder / "images/c.tif", folder / "masks/c.tif"):
        path.unlink()
    rasters.save(folder / "images/c.png", rasters.noise(32, 48))
    rasters.save(folder / "masks/c.png", rasters.halves(32, 48))
    scenes = [
        {"name": n, "images": [f"{folder}/images/{n}.{s}"], "mask": f"{folder}/masks/{n}.{s}"}
        for n, s in (("a", "tif"), ("b", "tif"), ("c", "png"), ("d", "tif"))
    ]
    split = {"by": "scene", "val": ["a"], "test": ["d"]}
    (problem,), _ = look(rasters.config(scenes=scenes, split=split), scales=[1, 2])
    assert problem.startswith("tile.scales: 1 scenes have no ground sampling distance, such as 'c'")
    scenes[2] |= {"gsd": 10}
    assert look(rasters.config(scenes=scenes, split=split), scales=[1, 2]) == ([], [])
    alone = [s | {"split": None} for s in scenes if s["name"] == "c"]
    alone[0].pop("gsd")
    lone = rasters.config(scenes=alone, split={"by": "scene", "val": 0, "test": 0})
    assert look(lone, scales=[1, 2])[0] == []

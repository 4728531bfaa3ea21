"""The stage ``check`` looks at the days of places if ``tile.dates`` asks for them."""

import json
from pathlib import Path
from typing import Any

import pytest
from rasterio.transform import Affine

from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.config.check import CheckConfig
from landloom.config.features import FeaturesConfig
from landloom.config.mix import MixConfig
from landloom.config.segment import SegmentConfig
from landloom.config.tile import TileConfig
from landloom.errors import InputErrors
from landloom.stages import check
from tests import rasters
from tests.rasters import GRID


def run(folder: Path, days: dict[str, int], **tile: Any) -> dict[str, Any]:
    """Check four places, each at the days that ``days`` names with the seeds of their images."""
    for i, place in enumerate("pqrs"):
        move = GRID @ Affine.translation(100 * i, 0)
        for day, seed in days.items():
            image = rasters.noise(32, 32, seed=100 * i + seed)
            rasters.save(folder / f"images/{place}_{day}.tif", image, transform=move)
            rasters.save(folder / f"masks/{place}_{day}.tif", rasters.halves(32, 32), transform=move)
    data = rasters.config(
        folder,
        images=f"{folder}/images/{{place}}_{{day}}.tif",
        masks=f"{folder}/masks/{{place}}_{{day}}.tif",
        day_in_name="%Y%m%d",
    )
    check.run(
        CheckConfig(free_disk_gb=0), data, TileConfig.model_validate({"size": 16, **tile}), BaseConfig(),
        SegmentConfig.model_construct(networks={}), CaptionConfig(), FeaturesConfig(),
        MixConfig(ratios=[0.4]), ["landloom"], [1000], folder / "check.json",
    )  # fmt: skip
    found: dict[str, Any] = json.loads((folder / "check.json").read_text())
    return found


def test_places_share_a_split_and_their_days_are_looked_at(tmp_path: Path) -> None:
    found = run(tmp_path, {"20150101": 0, "20160101": 1}, dates={})
    splits: dict[str, set[str]] = {}
    for scene in found["scenes"]:
        splits.setdefault(scene["name"][0], set()).add(scene["split"])
    assert all(len(s) == 1 for s in splits.values())
    assert not found["warnings"]


def test_one_picture_under_two_dates_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputErrors) as error:
        run(tmp_path, {"20150101": 0, "20160101": 0}, dates={})
    assert all("the same picture as that of" in str(p) for p in error.value.problems)
    run(tmp_path, {"20150101": 0, "20160101": 0})  # nobody is told of it

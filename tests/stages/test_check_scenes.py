"""The check looks at scenes that are to be made, too; tests/raster/test_asked_scenes.py has what it finds."""

from pathlib import Path

import numpy as np
import pytest

from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.config.check import CheckConfig
from landloom.config.features import FeaturesConfig
from landloom.config.mix import MixConfig
from landloom.config.scene_mask import SceneMaskConfig
from landloom.config.scene_sample import SceneSampleConfig
from landloom.config.tile import TileConfig
from landloom.errors import InputErrors
from landloom.stages import check
from tests import rasters
from tests.stages.test_check import NO_NETWORKS


def test_their_rasters_are_held_against_classes_and_bands_of_the_data(tmp_path: Path) -> None:
    rasters.scenes(tmp_path)
    mask = rasters.save(tmp_path / "wanted.tif", np.full((32, 48), 9, np.uint8))
    other = rasters.save(tmp_path / "right.tif", np.zeros((32, 48), np.uint8))
    image = rasters.save(tmp_path / "image.tif", rasters.noise(32, 48, 4))
    scenes = {"a": {"mask": str(mask)}, "b": {"mask": str(other), "image": str(image)}}
    with pytest.raises(InputErrors) as error:
        check.run(
            CheckConfig(free_disk_gb=0), rasters.config(tmp_path), TileConfig(size=16), BaseConfig(),
            NO_NETWORKS, CaptionConfig(), FeaturesConfig(), MixConfig(ratios=[0.4]), ["g"], [1000],
            tmp_path / "check.json", drawn=SceneMaskConfig(),
            asked=SceneSampleConfig.model_validate({"scenes": scenes}),
        )  # fmt: skip
    said = [str(p) for p in error.value.problems]
    assert any("wanted.tif: holds 9, but there are 2 classes" in p for p in said), said
    assert any("image.tif: 4 bands of uint8, the dataset has 3 of uint8" in p for p in said), said

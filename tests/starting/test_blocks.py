from pathlib import Path

import numpy as np

from landloom.config.data import Split
from landloom.raster.windows import areas
from landloom.starting import blocks
from tests.rasters import config, noise, save


def test_the_seed_leaves_a_rare_class_in_train(tmp_path: Path) -> None:
    mask = np.ones((128, 128), np.uint8)
    mask[70:80, 40:50] = 2  # in one of 16 blocks
    save(tmp_path / "images/a.tif", noise(128, 128))
    save(tmp_path / "masks/a.tif", mask)
    data = config(tmp_path, split={"by": "block", "block": 32, "val": 0.4, "test": 0.4})

    def split_of_rare(seed: int) -> str:
        split = Split.model_validate(data.split.model_dump() | {"seed": seed})
        found = areas("a", 128, 128, "block", split, 32)
        return next(label for label, w in found if (w.row, w.col) == (64, 32))

    assert split_of_rare(blocks.seed(data, 32)) == "train"
    assert {split_of_rare(s) for s in range(20)} == {"train", "val", "test"}

from pathlib import Path

import numpy as np
import pytest

from landloom.config.features import FeaturesConfig
from landloom.data import samples
from landloom.metrics import extractors, known
from landloom.stages import features
from tests import shards
from tests.features import Means


def test_features_of_train_tiles_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractors, "load", lambda *given: Means())
    tiles = shards.tiles(tmp_path)
    outs = [tmp_path / f"{p.stem}.safetensors" for p in tiles]
    for shard, out in zip(tiles, outs, strict=True):
        features.run(FeaturesConfig(batch=3), shards.statistics(tmp_path), shard, out)
    train = list(samples.read(tiles, split="train"))
    found = known.load(outs)
    assert found.ids == [s.id for s in train]
    quarter = train[5].image_array()[:, :16, :16].astype(np.float64).mean((1, 2)) / 255
    assert found.features[5, ::4].tolist() == pytest.approx(quarter.tolist(), abs=1e-5)

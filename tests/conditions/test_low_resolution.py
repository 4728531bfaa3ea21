from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.group import Conditions
from landloom.conditions.low_resolution import LowResolution, blocks
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.low_resolution import CoarseConfig
from landloom.data import coarse_images, samples
from landloom.data.samples import Sample
from landloom.errors import InputError
from tests import bases

IMAGE = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)


def made(dropout: float = 0.1) -> LowResolution:
    return LowResolution(2, [0], [15], 2, dropout)


def sample(image: Any) -> Any:
    return SimpleNamespace(id="t1", image=None if image is None else b"", image_array=lambda: image)


def test_blocks_are_means_on_the_scale_of_the_generator() -> None:
    found = blocks(IMAGE, 2, [0], [15])
    # 0, 1, 4, 5 have the mean 2.5, which is a sixth of the way from -1 to 1.
    assert found[0] == pytest.approx(np.array([[2.5, 4.5], [10.5, 12.5]]) / 7.5 - 1)
    assert found[1].tolist() == [[1, 1], [1, 1]]


def test_pixels_without_data_do_not_count() -> None:
    image = IMAGE.astype(np.float32)
    image[0, :2, :2] = np.nan
    image[0, 3, 3] = np.nan
    found = blocks(image, 2, [0], [15])
    assert found[:, 0, 0].tolist() == [0, 0]  # as if it were not told
    assert found[:, 1, 1] == pytest.approx([35 / 3 / 7.5 - 1, 0.75])


def test_it_is_brought_back_to_full_size_bilinearly() -> None:
    own = made()
    assert own.module is not None
    found = own.module(own.load([sample(IMAGE)]))
    assert found.shape == (1, 2, 4, 4)
    left, right = 2.5 / 7.5 - 1, 4.5 / 7.5 - 1
    row = [left, 0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right, right]
    assert found[0, 0, 0].tolist() == pytest.approx(row)
    assert (found[:, 1] == 1).all()


def test_no_image_is_the_null_of_training() -> None:
    own = made()
    told = own.load([sample(IMAGE), sample(None)])
    assert torch.equal(told[1], own.null.expand(2, 2, 2))
    assert own.untold(told).tolist() == [False, True]
    black = own.load([sample(np.full((1, 4, 4), 7.5, np.float32))])
    assert not own.untold(black).any()  # zeros, but known


def test_no_image_is_an_error_if_training_always_showed_one() -> None:
    with pytest.raises(InputError, match=r"^t1: has no image yet, .*'low_resolution'.*label_sample\.source"):
        made(dropout=0).load([sample(None)])


def test_encode_keeps_it_of_train_tiles_where_it_is_asked_for(tmp_path: Path) -> None:
    tiles, dataset = bases.tiles(tmp_path), bases.dataset()
    assert registry.recorded(EncodeConfig(), dataset, tiles).keys() == {"metadata"}
    config = EncodeConfig(low_resolution=CoarseConfig(factor=4))
    kept = registry.recorded(config, dataset, tiles)["low_resolution"]
    train = list(samples.read(tiles, split="train"))
    own = LowResolution.of(CoarseConfig(factor=4), dataset, 0.1)
    assert kept.shape == (8, bases.BANDS + 1, 8, 8)
    assert torch.equal(own.cached({"low_resolution": kept}), own.load(train))
    samples.write(tmp_path / "none.parquet", [])
    none = registry.recorded(config, dataset, [tmp_path / "none.parquet"])
    assert {k: v.shape for k, v in none.items()} == {"metadata": (0, 14), "low_resolution": (0, 5, 8, 8)}


def test_a_section_switches_it_on() -> None:
    host = Host(bases.dataset(), "caption", torch.zeros(1, 7, 32), 64)
    assert [c.name for c in registry.told(ImageTrainConfig(), host)] == ["mask", "text"]
    on = ImageTrainConfig.model_validate({"low_resolution": {"factor": 4}, "metadata": {}})
    found = registry.told(on, host)
    assert [c.name for c in found] == ["mask", "text", "metadata", "low_resolution"]
    assert found.hints[1].channels == [*(f"mean of band {i}" for i in (1, 2, 3, 4)), "known"]
    assert "low_resolution" not in registry.told(LabelTrainConfig(), host).members


def test_it_comes_back_from_its_folder(tmp_path: Path) -> None:
    own = LowResolution.of(CoarseConfig(factor=4), bases.dataset(), 0.1)
    registry.save(Conditions([own]), tmp_path)
    again = registry.load(tmp_path).members["low_resolution"]
    train = list(samples.read(bases.tiles(tmp_path), split="train"))
    assert torch.equal(again.load(train), own.load(train))
    assert again.channels == own.channels


def test_a_layer_takes_the_place_of_the_samples_image() -> None:
    """A coarse image alone is told as its fine one would be, and what it lacks is unknown."""
    own, fine = made(), sample(IMAGE)
    means = IMAGE.reshape(1, 2, 2, 2, 2).mean((2, 4))
    whole = Sample("t2", layers=coarse_images.layers(means, np.ones((2, 2), bool)))
    assert torch.allclose(own.load([whole]), own.load([fine]), atol=1e-6)
    torn = Sample("t3", layers=coarse_images.layers(means, np.array([[True, False], [True, True]])))
    assert own.load([torn])[0, :, 0, 1].tolist() == [0, 0]

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.edges import Edges, strength
from landloom.conditions.group import Conditions
from landloom.config.edges import EdgeConfig
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.data import samples
from landloom.errors import InputError
from tests import bases

STEP = np.repeat([[0] * 8 + [100] * 8], 16, 0)[None].astype(np.float32)
"""A border between the limits of the band, upright in the middle."""


def sample(image: Any) -> Any:
    return SimpleNamespace(id="t1", image=None if image is None else b"", image_array=lambda: image)


def test_the_strongest_edge_is_as_strong_as_can_be_and_plains_have_none() -> None:
    found = strength(STEP, 3.0, [0], [100])
    assert found.dtype == np.uint8
    assert (found == found[0]).all()  # the same all along the border
    # Half a pixel from the border, a Gaussian of width 3 has exp(-0.5 * (0.5 / 3)**2) of its height.
    assert found[8, 7:9] / 254 == pytest.approx(np.exp(-0.5 * (0.5 / 3) ** 2), abs=0.01)
    assert (strength(np.full((1, 16, 16), 70.0), 3.0, [0], [100]) == 0).all()
    assert strength(STEP / 2, 3.0, [0], [100])[8, 8] / 254 == pytest.approx(0.49, abs=0.01)


def test_the_band_with_the_strongest_edge_counts() -> None:
    flat = np.full_like(STEP, 40)
    both = strength(np.concatenate([flat, STEP]), 1.0, [0, 0], [100, 100])
    assert (both == strength(STEP, 1.0, [0], [100])).all()


def test_where_there_is_no_data_no_edge_is_known() -> None:
    image = STEP.copy()
    image[0, 3, 4] = np.nan
    own = Edges(1.0, [0], [100], 16, 0.1)
    told = own.load([sample(image), sample(None)])
    assert own.module is not None
    shown = own.module(told)
    assert shown[0, :, 3, 4].tolist() == [0, 0]
    assert shown[0, 1].sum() == 255
    assert bool((shown[1] == 0).all())
    assert own.untold(told).tolist() == [False, True]


def test_no_image_is_an_error_if_training_always_showed_one() -> None:
    with pytest.raises(InputError, match=r"^t1: has no image yet, .*'edges'.*label_sample\.source"):
        Edges(1.0, [0], [100], 16, 0).load([sample(None)])


def test_from_the_tiles_to_the_sampler(tmp_path: Path) -> None:
    """Encode keeps them, a section switches them on, and the model's folder has all that a sampler needs."""
    tiles, dataset = bases.tiles(tmp_path), bases.dataset()
    assert "edges" not in registry.recorded(EncodeConfig(), dataset, tiles)
    kept = registry.recorded(EncodeConfig(edges=EdgeConfig(sigma=2)), dataset, tiles)
    host = Host(dataset, "caption", torch.zeros(1, 7, 32), 64)
    told = registry.told(ImageTrainConfig.model_validate({"edges": {"sigma": 2}}), host)
    assert [c.name for c in told.hints] == ["mask", "edges"]
    registry.save(Conditions([told.members["edges"]]), tmp_path)
    again = registry.load(tmp_path).members["edges"]
    train = list(samples.read(tiles, split="train"))
    assert torch.equal(told.members["edges"].cached(kept), again.load(train))
    samples.write(tmp_path / "none.parquet", [])
    none = registry.recorded(EncodeConfig(edges=EdgeConfig()), dataset, [tmp_path / "none.parquet"])
    assert none["edges"].shape == (0, bases.SIDE, bases.SIDE)

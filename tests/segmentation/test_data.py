from pathlib import Path

import numpy as np
import pytest
import torch

from landloom import samples
from landloom.errors import InputError
from landloom.raster import codec
from landloom.segmentation import data
from tests import shards


def test_untrusted_pixels_are_ignored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    trust = np.full((32, 32), 255, np.uint8)
    trust[0, :3] = 0, 127, 128
    row = shards.sample("a", rng, trust=codec.encode(trust))
    samples.write(tmp_path / "s.parquet", [row])
    got = data.load([tmp_path / "s.parquet"], shards.dataset(), min_trust=0.5)
    expected = row.mask_array().copy()
    expected[0, :2] = 255
    assert np.array_equal(got.masks[0].numpy(), expected)
    every = data.load([tmp_path / "s.parquet"], shards.dataset())
    assert np.array_equal(every.masks[0].numpy(), row.mask_array())


def test_images_are_scaled(tmp_path: Path) -> None:
    got = data.load(shards.tiles(tmp_path)[:1], shards.dataset())
    assert got.images.shape == (8, 3, 32, 32)
    assert got.images.dtype == torch.float32
    assert -1 <= got.images.min() < -0.5 < 0.3 < got.images.max() <= 1


def test_no_samples_and_wrong_size_are_input_errors(tmp_path: Path) -> None:
    samples.write(tmp_path / "none.parquet", [])
    with pytest.raises(InputError, match="no samples"):
        data.load([tmp_path / "none.parquet"], shards.dataset())
    with pytest.raises(InputError, match="not \\(3, 64, 64\\)"):
        data.load(shards.tiles(tmp_path), shards.dataset(64))


def test_image_and_mask_turn_alike() -> None:
    masks = torch.arange(16 * 16, dtype=torch.uint8).reshape(1, 16, 16).repeat(32, 1, 1)
    images = masks[:, None].float()
    torch.manual_seed(0)
    a, b = data.augment(images, masks, "d4")
    assert torch.equal(a[:, 0], b.float())
    assert len({m.numpy().tobytes() for m in b}) == 8
    torch.manual_seed(0)
    assert torch.equal(data.augment(images, masks, "d4")[0], a)
    assert len({m.numpy().tobytes() for m in data.augment(images, masks, "flip")[1]}) == 2
    assert torch.equal(data.augment(images, masks, "none")[0], images)

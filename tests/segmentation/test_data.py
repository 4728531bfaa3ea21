from pathlib import Path

import numpy as np
import pytest
import torch

from landloom.data import sample_index, samples
from landloom.data.tile_dataset import TileDataset
from landloom.segmentation import data
from tests import shards


def test_images_are_scaled_by_the_batch(tmp_path: Path) -> None:
    paths, statistics = shards.tiles(tmp_path)[:1], shards.dataset()
    tiles = TileDataset(sample_index.located(paths), statistics)
    images, masks = data.batch(tiles, torch.tensor([5, 0]), torch.device("cpu"))
    wanted = list(samples.read(paths))
    assert torch.equal(images[0], torch.from_numpy(statistics.scale(wanted[5].image_array())))
    assert torch.equal(masks[1], torch.from_numpy(wanted[0].mask_array()))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "int64", "float32", "float64"])
def test_scaling_agrees_with_the_card_to_the_bit(dtype: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(-300, 4000, (2, 3, 64, 64))
    images = values.clip(0, 255).astype(dtype) if dtype == "uint8" else values.clip(min=0).astype(dtype)
    if np.dtype(dtype).kind == "f":
        images[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    statistics = shards.dataset().model_copy(
        update={"low": [0.1, 3.7, 255.0], "high": [200.3, 1777.7, 255.0]}
    )
    got = data.scaled(torch.from_numpy(images), statistics.low, statistics.high)
    assert got.dtype == torch.float32
    assert got.isfinite().all()  # the third band is constant
    assert torch.equal(got, torch.from_numpy(statistics.scale(images)))


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

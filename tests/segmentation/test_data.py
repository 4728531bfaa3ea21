from pathlib import Path

import numpy as np
import pytest
import torch

from landloom import resources, samples
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
    assert np.array_equal(got.masks[0], expected)
    every = data.load([tmp_path / "s.parquet"], shards.dataset())
    assert np.array_equal(every.masks[0], row.mask_array())


def test_images_stay_in_their_own_type_and_are_scaled_by_the_batch(tmp_path: Path) -> None:
    got = data.load(shards.tiles(tmp_path)[:1], shards.dataset())
    assert (got.images.shape, got.images.dtype) == ((8, 3, 32, 32), np.uint8)
    assert got.images.nbytes + got.masks.nbytes == resources.tile_bytes(8, 3, 32, "uint8")
    images, masks = got.batch(torch.tensor([5, 0]), torch.device("cpu"))
    wanted = list(samples.read(shards.tiles(tmp_path)[:1]))
    assert torch.equal(images[0], torch.from_numpy(shards.dataset().scale(wanted[5].image_array())))
    assert torch.equal(masks[1], torch.from_numpy(wanted[0].mask_array()))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "int64", "float32", "float64"])
def test_scaling_agrees_with_the_card_to_the_bit(dtype: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(-300, 4000, (2, 3, 64, 64))
    images = values.clip(0, 255).astype(dtype) if dtype == "uint8" else values.clip(min=0).astype(dtype)
    if np.dtype(dtype).kind == "f":
        images[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    card = shards.dataset().model_copy(update={"low": [0.1, 3.7, 255.0], "high": [200.3, 1777.7, 255.0]})
    got = data.scaled(torch.from_numpy(images), card.low, card.high)
    assert got.dtype == torch.float32
    assert got.isfinite().all()  # the third band is constant
    assert torch.equal(got, torch.from_numpy(card.scale(images)))


def test_another_type_than_the_cards_is_an_input_error(tmp_path: Path) -> None:
    row = shards.sample("a", np.random.default_rng(0))
    row.image = codec.encode(row.image_array().astype(np.uint16))
    samples.write(tmp_path / "s.parquet", [row])
    with pytest.raises(InputError, match=r"uint16, not .* uint8"):
        data.load([tmp_path / "s.parquet"], shards.dataset())


def test_no_samples_and_wrong_size_are_input_errors(tmp_path: Path) -> None:
    samples.write(tmp_path / "none.parquet", [])
    with pytest.raises(InputError, match="no samples"):
        data.load([tmp_path / "none.parquet"], shards.dataset())
    with pytest.raises(InputError, match=r"not \(3, 64, 64\)"):
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

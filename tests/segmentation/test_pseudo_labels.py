from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landloom.config.label_sample import PredictedConfig
from landloom.data import known_pixels, samples
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.segmentation.pseudo_labels import guesses, spread, sure
from tests import shards


class Nearest(nn.Module):
    """The class whose colour is nearest, the surer the nearer it is than others."""

    def forward(self, x: Tensor) -> Tensor:
        colors = torch.tensor(shards.COLORS / 127.5 - 1, dtype=torch.float32)
        return -(x[:, None] - colors[None, :, :, None, None]).square().sum(2) * 8


def test_only_what_is_sure_and_has_data_gets_a_class() -> None:
    shares = np.array([[[0.2, 0.9], [0.6, 0.3]], [[0.8, 0.1], [0.4, 0.7]]], np.float32)
    valid = np.array([[True, True], [True, False]])
    assert sure(shares, valid, 0.7).tolist() == [[1, 0], [IGNORE, IGNORE]]
    assert sure(shares, valid, 0.5).tolist() == [[1, 0], [0, IGNORE]]
    assert sure(shares, np.ones((2, 2), np.bool_), 0.0).tolist() == [[1, 0], [0, 1]]


def test_tiles_to_choose_from_are_spread() -> None:
    assert spread([3, 4, 9], 3) == [3, 4, 9]
    assert spread(list(range(100, 201)), 3) == [100, 150, 200]


def test_each_unlabelled_tile_gets_its_mask(tmp_path: Path) -> None:
    path, truth = shards.unlabelled(tmp_path)
    tiles = [*shards.tiles(tmp_path), path]
    found = guesses(PredictedConfig(threshold=0.5), Nearest(), shards.dataset(), tiles)
    assert list(found) == [12, 13, 14, 15]  # after the eight train, two val and two test tiles
    for guess, mask in zip(found.values(), truth, strict=True):
        assert np.array_equal(codec.decode(guess.mask)[0], mask)
        assert guess.ratios == samples.class_ratios(mask, 3)
    assert list(guesses(PredictedConfig(tiles=2), Nearest(), shards.dataset(), tiles)) == [12, 15]


def test_pixels_without_data_get_no_class(tmp_path: Path) -> None:
    path, truth = shards.unlabelled(tmp_path, 2)
    valid = np.zeros((shards.SIDE, shards.SIDE), np.bool_)
    first, second = samples.read(path)
    none = replace(first, layers=known_pixels.layers(valid))
    valid[:4] = True
    some = replace(second, layers=known_pixels.layers(valid))
    samples.write(path, [none, some])
    found = guesses(PredictedConfig(threshold=0), Nearest(), shards.dataset(), [path])
    assert list(found) == [1]
    mask = codec.decode(found[1].mask)[0]
    assert np.array_equal(mask[:4], truth[1][:4])
    assert (mask[4:] == IGNORE).all()


def test_where_there_is_nothing_to_predict(tmp_path: Path) -> None:
    path, _ = shards.unlabelled(tmp_path)
    with pytest.raises(InputError, match=r"no tile is unlabelled.*data\.split\.labelled"):
        guesses(PredictedConfig(), Nearest(), shards.dataset(), shards.tiles(tmp_path))
    flat = nn.Conv2d(3, 3, 1)
    nn.init.zeros_(flat.weight), nn.init.zeros_(flat.bias)
    with pytest.raises(InputError, match=r"no pixel of 4 unlabelled tiles .* probability 0\.9.*Lower it"):
        guesses(PredictedConfig(), flat, shards.dataset(), [path])

"""Parts of an endless world."""

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom.copy_paste.endless import Mixes, World
from landloom.copy_paste.maps import Maps
from landloom.raster.windows import Window
from tests import shards

MEAN = np.array([0.5, 0.3, 0.2])


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Maps:
    return Maps.of(shards.dataset(), shards.tiles(tmp_path_factory.mktemp("maps"), train=60))


def world(maps: Maps, seed: int = 3, reach: float = 0.7) -> World:
    return World(shards.dataset(), maps, Mixes.of(seed, maps.shares.astype(np.float64), MEAN, reach))


def made(own: World, part: Window) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Mask and image of a part."""
    found = list(own.lay(part))
    assert [row for row, _, _ in found] == np.cumsum([0, *(len(m) for _, m, _ in found)])[:-1].tolist()
    return np.concatenate([m for _, m, _ in found]), np.concatenate([i for _, _, i in found], 1)


def test_parts_that_overlap_agree_byte_for_byte(maps: Maps) -> None:
    """Also left of the origin and above it."""
    own, pair = world(maps), 2 * world(maps).cell
    one, other = Window(-pair, -2 * pair, 3 * pair, 3 * pair), Window(0, -pair, 3 * pair, pair)
    first, second = made(own, one), made(world(maps), other)
    for a, b in zip(first, second, strict=True):
        shared = a[..., pair:, pair : 2 * pair]
        assert shared.shape[-2:] == (2 * pair, pair)
        np.testing.assert_array_equal(shared, b[..., : 2 * pair, :])


def test_seeds_are_worlds_and_places_differ(maps: Maps) -> None:
    pair = 2 * world(maps).cell
    here, there = Window(0, 0, pair, pair), Window(pair, 0, pair, pair)
    assert not np.array_equal(made(world(maps), here)[0], made(world(maps, 4), here)[0])
    assert not np.array_equal(made(world(maps), here)[0], made(world(maps), there)[0])


def test_large_parts_have_the_mean_mix(maps: Maps) -> None:
    own = world(maps)
    cells = own.mixes.asked(range(-40, 60), range(100, 200))
    np.testing.assert_allclose(cells.sum(2), 1)
    assert np.abs(cells.mean((0, 1)) - MEAN).max() < 0.02
    mask, _ = made(own, own.around(Window(-100, -100, 600, 600)))
    assert np.abs(np.bincount(mask.ravel(), minlength=3)[:3] / mask.size - MEAN).mean() < 0.04


def test_neighbours_are_alike_as_far_as_mixes_reach(maps: Maps) -> None:
    def likeness(reach: float) -> float:
        found = world(maps, reach=reach).mixes.asked(range(60), range(60))[..., 0]
        return float(np.corrcoef(found[:, 1:].ravel(), found[:, :-1].ravel())[0, 1])

    assert abs(likeness(0)) < 0.06 < 0.3 < likeness(1.5)


def test_a_window_is_surrounded_by_whole_pairs_of_cells(maps: Maps) -> None:
    own = world(maps)
    pair, found = 2 * own.cell, own.around(Window(-1, 1, 2, 2))
    assert found == Window(-pair, 0, 2 * pair, pair)

from pathlib import Path

import numpy as np
import pytest

from landloom.copy_paste.maps import Maps
from landloom.copy_paste.objects import moved, paste, region
from landloom.copy_paste.quilting import gap, shares
from landloom.data import samples
from tests import shards


@pytest.fixture
def maps(tmp_path: Path) -> Maps:
    """Five tiles of class 0 and one with a region of class 1 of 4 x 5 pixels, and one of 9."""
    rng = np.random.default_rng(0)
    plain = np.zeros((32, 32), np.uint8)
    spotted = plain.copy()
    spotted[3:7, 0:5] = 1
    spotted[20:23, 10:13] = 1
    rows = [shards.sample(str(i), rng, plain if i else spotted, scene="s") for i in range(6)]
    samples.write(tmp_path / "t.parquet", rows)
    return Maps.of(shards.dataset(), [tmp_path / "t.parquet"])


@pytest.mark.parametrize(("share", "pixels"), [(20 / 1024, 20), (8 / 1024, 9)])
def test_the_region_nearest_in_size_is_taken_whole(maps: Maps, share: float, pixels: int) -> None:
    for seed in range(10):
        step = region(maps, 1, share, np.random.default_rng(seed))
        assert step is not None
        assert step.take.sum() == pixels


def test_a_class_that_no_tile_has_is_not_pasted(maps: Maps) -> None:
    assert region(maps, 2, 0.1, np.random.default_rng(0)) is None
    assert not paste(maps, np.array([0.5, 0.0, 0.5]), np.random.default_rng(0)).steps


def test_regions_lie_anywhere_but_inside() -> None:
    here = np.zeros((8, 8), bool)
    here[0:2, 3:6] = True
    corners = set()
    for seed in range(60):
        step = moved(0, 0, here, np.random.default_rng(seed))
        assert step.take.sum() == 6
        rows, columns = np.nonzero(step.take)
        assert (np.ptp(rows), np.ptp(columns)) == (1, 2)  # not wrapped around
        corners.add((rows.min(), columns.min()))
    assert len(corners) > 20


def test_pasting_brings_the_mix_nearer_and_shows_the_pasted_class(maps: Maps) -> None:
    asked = np.array([1 - 60 / 1024, 60 / 1024, 0])
    recipe = paste(maps, asked, np.random.default_rng(0))
    masks = {n: maps.mask(n) for n in recipe.tiles}
    made = recipe.mask(masks)
    start = shares(masks[recipe.start], 3)
    assert recipe.steps
    assert gap(shares(made, 3), asked) < gap(start, asked)
    images = {n: masks[n][None].astype(np.float32) / 4 for n in masks}
    assert np.array_equal(recipe.image(masks, images)[0] * 4, made)

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from landloom.copy_paste import quilting
from landloom.copy_paste.maps import Maps
from landloom.copy_paste.quilting import cheapest, gap, line, patched, quilt, shares, upside_down
from landloom.copy_paste.recipes import Recipe, turned
from landloom.data import samples
from tests import shards

PRICE = np.array([[0, 1, 4], [1, 0, 1], [4, 1, 0]], np.float32)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Maps:
    return Maps.of(shards.dataset(), shards.tiles(tmp_path_factory.mktemp("maps"), train=40))


def drawn(maps: Maps, recipe: Recipe) -> NDArray[np.uint8]:
    return recipe.mask({n: maps.mask(n) for n in recipe.tiles})


def test_the_line_runs_where_both_masks_have_the_same_class() -> None:
    left = np.zeros((8, 32), np.uint8)
    other = np.ones((8, 32), np.uint8)
    meets = np.array([15, 15, 16, 17, 17, 18, 17, 16])  # the only column where both have class 0
    for row, column in enumerate(meets):
        other[row, column] = 0
    columns, price = line(left, other[None], PRICE, np.array([16]))
    assert np.array_equal(columns[0], meets)
    moved = np.abs(np.diff(meets)).sum()
    assert price[0] == pytest.approx(moved * quilting.STRAIGHT)


def test_a_line_between_masks_that_never_agree_takes_the_classes_that_often_touch() -> None:
    left = np.zeros((4, 16), np.uint8)
    right = np.full((4, 16), 2, np.uint8)
    right[:, 7] = 1
    columns, price = line(left, right[None], PRICE, np.array([8]))
    assert (columns == 7).all()
    assert price[0] == pytest.approx(4)


def test_a_line_stays_inside_the_tile() -> None:
    rng = np.random.default_rng(0)
    right = rng.integers(0, 3, (2, 16, 16)).astype(np.uint8)
    columns, price = line(right[0], right, PRICE, np.array([1, 15]))
    assert columns.min() >= 1
    assert columns.max() <= 15
    assert (price < 1e5).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_the_cheapest_line_is_the_cheapest_of_all(seed: int) -> None:
    cost = np.random.default_rng(seed).random((1, 4, 5)).astype(np.float32)

    def walk(row: int, column: int) -> float:
        here = float(cost[0, row, column])
        if row == 0:
            return here
        near = range(max(0, column - quilting.REACH), min(5, column + quilting.REACH + 1))
        return here + min(walk(row - 1, c) + quilting.STRAIGHT * abs(c - column) for c in near)

    assert cheapest(cost)[0][0] == pytest.approx(min(walk(3, c) for c in range(5)), rel=1e-5)


def test_upside_down_keeps_the_shares_of_columns() -> None:
    x = np.arange(16).reshape(4, 4)
    for variant in (0, 2, 4, 6):
        found = turned(x, int(upside_down(np.array([variant]))[0]))
        assert np.array_equal(found, turned(x, variant)[::-1])


@pytest.mark.parametrize("target", [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [np.nan, 0.5, np.nan]])
def test_quilts_have_the_mix_that_is_asked_for(maps: Maps, target: list[float]) -> None:
    asked = np.array(target)
    off = []
    for seed in range(8):
        found = drawn(maps, quilt(maps, asked, np.random.default_rng(seed)))
        assert set(np.unique(found)) <= {0, 1, 2}
        off.append(float(gap(shares(found, 3), asked)))
    nearest = float(gap(maps.shares, asked).min())
    assert np.mean(off) < 0.02
    assert np.mean(off) < max(nearest, 0.01)


def test_no_quilt_is_a_real_mask(maps: Maps) -> None:
    """Also when a real tile has just the mix that is asked for."""
    for seed in range(8):
        asked = maps.shares[seed].astype(np.float64)
        recipe = quilt(maps, asked, np.random.default_rng(seed))
        assert recipe.steps
        assert max(recipe.shares(maps.size).values()) < 0.9


def test_a_seed_has_a_quilt_of_its_own_and_always_the_same(maps: Maps) -> None:
    asked = np.array([0.4, 0.4, 0.2])
    one, again, other = (drawn(maps, quilt(maps, asked, np.random.default_rng(s))) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_single_tile_is_quilted_with_itself(tmp_path: Path) -> None:
    alone = Maps.of(shards.dataset(), shards.tiles(tmp_path, train=1))
    assert quilt(alone, np.array([0.3, 0.3, 0.4]), np.random.default_rng(0)).tiles == {0}


def test_nothing_asked_for_is_met_by_anything() -> None:
    assert gap(np.array([[0.2, 0.8]]), np.array([np.nan, np.nan])) == pytest.approx([0])
    assert gap(np.array([[0.2, 0.8]]), np.array([0.5, np.nan])) == pytest.approx([0.3])


def test_of_two_patches_with_the_same_mix_the_one_that_fits_is_taken(tmp_path: Path) -> None:
    """Both have class 1 on their right; only one has what is there on its left, so that its seam is free."""
    rng = np.random.default_rng(0)
    fits = np.repeat(np.uint8([[0, 1]]), 32, 0).repeat(16, 1)
    rough = np.repeat(np.uint8([[2, 1]]), 32, 0).repeat(16, 1)
    rows = [shards.sample(n, rng, m, scene="s") for n, m in (("rough", rough), ("fits", fits))]
    samples.write(tmp_path / "t.parquet", rows)
    both = Maps.of(shards.dataset(), [tmp_path / "t.parquet"])
    there, asked = np.zeros((32, 32), np.uint8), np.array([0.5, 0.5, 0])
    for seed in range(10):
        found = patched(both, there, asked, np.arange(2), np.random.default_rng(seed), quilting.FIRST)
        assert both.tiles[found.step.tile].id == "fits"
        assert found.off == 0

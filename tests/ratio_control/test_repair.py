import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from landloom.data.samples import class_ratios
from landloom.ratio_control.repair import quotas, repair

NAN = float("nan")


def halves(size: int = 16, left: int = 8) -> NDArray[np.uint8]:
    return np.where(np.arange(size)[None].repeat(size, 0) < left, 0, 1).astype(np.uint8)


def flat(mask: NDArray[np.uint8], classes: int = 3) -> NDArray[np.float32]:
    return np.zeros((classes, *mask.shape), np.float32)


def test_a_border_moves_until_the_shares_are_right() -> None:
    mask = halves()
    fixed, changed = repair(mask, flat(mask), np.array([0.5625, 0.4375, 0.0]), 1.0)
    assert class_ratios(fixed, 3) == [0.5625, 0.4375, 0.0]
    assert changed == (fixed != mask).sum() == 16
    assert (fixed[:, :8] == 0).all()
    assert (fixed[:, 10:] == 1).all()


def test_the_cheapest_pixels_move() -> None:
    mask, cost = halves(), flat(halves())
    cost[0, 3:6, 8] = -10  # these would rather be class 0
    fixed, changed = repair(mask, cost, np.array([0.5 + 3 / 256, 0.5 - 3 / 256, 0]), 1.0)
    assert changed == 3
    assert np.argwhere(fixed != mask).tolist() == [[3, 8], [4, 8], [5, 8]]


def test_a_class_that_touches_nothing_is_left_alone() -> None:
    mask = halves()
    fixed, changed = repair(mask, flat(mask), np.array([0.4, 0.4, 0.2]), 1.0)
    assert changed == 0
    assert np.array_equal(fixed, mask)


def test_open_classes_take_and_give() -> None:
    mask = halves()
    fixed, changed = repair(mask, flat(mask), np.array([0.25, NAN, NAN]), 1.0)
    assert class_ratios(fixed, 3) == [0.25, 0.75, 0]
    assert changed == 64


def test_the_limit_holds() -> None:
    mask = halves()
    fixed, changed = repair(mask, flat(mask), np.array([1.0, 0, 0]), 10 / 256)
    assert changed == (fixed != mask).sum() == 10


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_only_borders_move_and_the_count_is_right(seed: int) -> None:
    """What is farther from any other class than pixels were moved cannot have changed."""
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, 3, (3, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    before = np.array(class_ratios(mask, 3))
    target = np.clip(before + rng.normal(0, 0.01, 3), 0, 1) * (before > 0)
    target /= target.sum()
    fixed, changed = repair(mask, rng.normal(size=(3, 24, 24)).astype(np.float32), target, 0.05)
    moved = np.argwhere(fixed != mask)
    assert changed == len(moved)
    for y, x in moved:
        near = mask[max(0, y - changed) : y + changed + 1, max(0, x - changed) : x + changed + 1]
        assert len(np.unique(near)) > 1
    gap = np.abs(np.array(class_ratios(fixed, 3)) - target).sum()
    assert gap <= np.abs(before - target).sum() + 1e-9


def test_one_round_touches_only_pixels_beside_another_class() -> None:
    mask = halves()
    fixed, _ = repair(mask, flat(mask), np.array([0.5 + 8 / 256, 0.5 - 8 / 256, 0]), 1.0)
    assert set(np.argwhere(fixed != mask)[:, 1]) == {8}


def test_quotas_sum_to_all_pixels() -> None:
    assert quotas(np.array([1 / 3, 1 / 3, 1 / 3]), 10).tolist() == [4, 3, 3]
    assert quotas(np.array([0.25, NAN]), 10).tolist() == pytest.approx([2, NAN], nan_ok=True)

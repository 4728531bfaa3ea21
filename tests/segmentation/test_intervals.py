"""Intervals of gains."""

import numpy as np
import pytest

from landloom.segmentation import intervals


def confusions(right: list[list[float]], pixels: int = 1000) -> intervals.Counts:
    """Two classes of equal size; ``right`` (seeds, units) is the share of either that is found."""
    share = np.round(np.array(right) * pixels).astype(np.int64)
    wrong = pixels - share
    return np.stack([np.stack([share, wrong], -1), np.stack([wrong, share], -1)], -2)


def test_the_gain_is_that_of_summed_pixels() -> None:
    real, made = confusions([[0.5, 0.5], [0.5, 0.5]]), confusions([[0.5, 1.0], [0.5, 0.5]])
    # IoU from 1/3 to 1500 / 2500 with the first seed, and no change with the second.
    gain = (0.6 - 1 / 3) / 2 * 100
    assert intervals.gains(made, real)[:, 0] == pytest.approx([gain] * 3)


def test_equal_networks_have_no_gain_and_no_interval() -> None:
    same = confusions(np.random.default_rng(0).random((3, 30)).tolist())
    assert intervals.gains(same, same).tolist() == [[0, 0, 0]] * 3


def test_what_both_networks_share_cancels() -> None:
    """Ground and seeds differ much more than the two networks do: the pairs say what means could not."""
    rng = np.random.default_rng(1)
    hard = rng.uniform(0.4, 0.8, (1, 40)) + np.array([[-0.1], [0], [0.1]])
    gain, low, high = intervals.gains(confusions((hard + 0.02).tolist()), confusions(hard.tolist()))[2]
    assert 0 < low < gain < high
    assert high - low < 2


def test_seeds_are_drawn_where_all_ground_is_alike() -> None:
    """Of three seeds one gains: a draw holds it between no and three times of three."""
    real = confusions([[0.5] * 20] * 3)
    made = confusions([[0.5] * 20, [0.5] * 20, [0.8] * 20])
    once = (0.8 / 1.2 - 0.5 / 1.5) / 3 * 100
    assert intervals.gains(made, real)[2] == pytest.approx([once, 0, 3 * once])


def test_the_mean_gain_is_over_the_classes_of_the_truth() -> None:
    made, real = (np.zeros((2, 5, 3, 3), np.int64) for _ in range(2))
    made[..., :2, :2], real[..., :2, :2] = confusions([[0.8] * 5] * 2), confusions([[0.5] * 5] * 2)
    found = intervals.gains(made, real)[:, 0]
    assert np.isnan(found[2])
    assert found[3] == pytest.approx(found[:2].mean()) == pytest.approx((0.8 / 1.2 - 0.5 / 1.5) * 100)


def test_draws_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    pair = [confusions(rng.uniform(0.4, 0.8, (3, 12)).tolist()) for _ in range(2)]
    whole = intervals.gains(pair[0], pair[1])
    monkeypatch.setattr(intervals, "AT_ONCE", 700 * pair[0][:, 0].size)
    np.testing.assert_array_equal(intervals.gains(pair[0], pair[1]), whole)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(2), 0
    for i in range(40):
        right = 0.6 + 0.1 * rng.standard_normal((2, 3, 25)).clip(-3, 3)
        _, low, high = intervals.gains(*(confusions(r.tolist()) for r in right), seed=i)[2]
        inside += low <= 0 <= high
    assert inside >= 34


def test_a_class_that_no_test_pixel_has_is_not_a_number() -> None:
    made = np.zeros((2, 5, 3, 3), np.int64)
    made[..., :2, :2] = confusions([[0.5] * 5] * 2)
    found = intervals.gains(made, made)
    assert np.isnan(found[2]).all()
    assert found[3].tolist() == [0, 0, 0]


def test_networks_together_are_their_mean_on_the_same_draws() -> None:
    rng = np.random.default_rng(3)
    pairs = [tuple(confusions(rng.uniform(0.4, 0.8, (3, 20)).tolist()) for _ in range(2)) for _ in range(2)]
    alone = np.array([intervals.gains(made, real) for made, real in pairs])
    assert intervals.together(pairs)[:, 0] == pytest.approx(alone.mean(0)[:, 0])
    # Two of the same move together, as far as one does; opposite ones cancel in each draw, not on average.
    made, real = pairs[0]
    assert intervals.together([(made, real)] * 2) == pytest.approx(alone[0])
    assert intervals.together([(made, real), (real, made)]) == pytest.approx(0)


def test_units_are_scenes_or_tiles_where_scenes_are_few() -> None:
    many = [f"s{i // 2}" for i in range(20)]
    assert intervals.units(many) == ("scene", many)
    assert intervals.units(["a", "a", "b"]) == ("tile", ["0", "1", "2"])
    found = intervals.summed(np.arange(12).reshape(3, 2, 2), ["b", "a", "b"])
    assert found.tolist() == [[[8, 10], [12, 14]], [[4, 5], [6, 7]]]

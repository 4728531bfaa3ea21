import numpy as np
import pytest

from landloom.planning import prior

NAN = float("nan")
REAL = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.1, 0.0, 0.9], [0.2, 0.0, 0.8]])


def test_distances_by_hand() -> None:
    found = prior.distances(np.array([[0.5, 0.5, 0.0], [NAN, 0.5, NAN]]), REAL[:2])
    assert found.tolist() == [pytest.approx([0.3, 0.1]), pytest.approx([0.15, 0.05])]


def test_what_is_open_follows_the_nearest_tiles() -> None:
    # The two nearest tiles have 0.85 of c and 0.15 of a; b is not with them.
    found = prior.filled(np.array([NAN, NAN, 0.7]), REAL, 2)
    assert found.tolist() == pytest.approx([0.3, 0.0, 0.7])
    found = prior.filled(np.array([0.5, NAN, NAN]), REAL, 2)
    assert found.tolist() == pytest.approx([0.5, 0.5 * 0.2 / 0.6, 0.5 * 0.4 / 0.6])


def test_a_complete_target_stays() -> None:
    assert prior.filled(REAL[0], REAL, 2).tolist() == REAL[0].tolist()


def test_when_the_nearest_hold_nothing_open_the_mean_of_all_stands_in() -> None:
    found = prior.filled(np.array([0.5, NAN, 0.2]), REAL[2:], 1)
    assert found.tolist() == pytest.approx([0.5, 0.3, 0.2])


def test_novelty_by_hand() -> None:
    # Nearest other tiles are 0.2, 0.2, 0.1 and 0.1 away; the largest is the norm.
    found = prior.novelty(np.array([[0.8, 0.2, 0.0], [0.7, 0.3, 0.0], [0.0, 1.0, 0.0]]), REAL, 1.0)
    assert found.tolist() == pytest.approx([0, 0.1 / 0.2, 0.6 / 0.2])


def test_novelty_looks_at_named_classes_only() -> None:
    full, named = (prior.novelty(np.array([t]), REAL, 1.0)[0] for t in ([0.8, 0.0, 0.2], [0.8, NAN, NAN]))
    assert named == 0 < full


def test_thinning_keeps_both_ends() -> None:
    many = np.arange(3 * prior.MOST, dtype=float)[:, None]
    found = prior.thinned(many)
    assert len(found) == prior.MOST
    assert (found[0, 0], found[-1, 0]) == (0, len(many) - 1)


def test_no_share_is_reachable_of_a_class_that_never_occurs() -> None:
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.dirichlet([1, 1, 1], 200), np.zeros((200, 1))], 1)
    asked = real[:2] * 0.97
    asked[0, 3] = 0.03
    asked[1, :3] = real[1, :3]
    assert (prior.novelty(asked, real, 0.99) <= 1).all()  # the other classes hide it
    assert prior.reachable(asked, real, 0.99).tolist() == [False, True]


def test_a_share_may_exceed_the_largest_by_the_usual_gap() -> None:
    # Shares of b are 0.2, 0.4, 0, 0: gaps 0.2, 0.2, 0, 0. Those of c are 0, 0, 0.9, 0.8: 0, 0, 0.1, 0.1.
    asked = np.array([[NAN, 0.59, NAN], [NAN, 0.61, NAN], [NAN, NAN, 0.99], [0.05, NAN, 0.95]])
    assert prior.reachable(asked, REAL, 1.0).tolist() == [True, False, True, True]
    assert prior.reachable(asked, REAL[:1], 1.0).tolist() == [False] * 4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landloom.ratio_control import blocks


def real(count: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet([0.5, 0.4, 0.3], count)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 90), st.integers(1, 90), st.sampled_from([0.0, 0.8, 2.0]))
def test_blocks_keep_the_share_of_the_scene(seed: int, height: int, width: int, reach: float) -> None:
    asked = np.random.default_rng(seed).dirichlet([1, 1, 1])
    pixels = blocks.pixels(height, width, 16)
    assert pixels.sum() == height * width
    found = blocks.spread(asked, real(), pixels, reach, np.random.default_rng(seed))
    assert found.min() >= 0
    assert found.sum(2) == pytest.approx(1)
    mean = (found * pixels[..., None]).sum((0, 1)) / pixels.sum()
    assert mean == pytest.approx(asked, abs=1e-6)


def test_a_class_that_is_not_asked_for_is_nowhere() -> None:
    found = blocks.spread(
        np.array([0.6, 0.4, 0]), real(), blocks.pixels(64, 64, 8), 1, np.random.default_rng(0)
    )
    assert not found[..., 2].any()


def test_neighbours_are_as_alike_as_they_should_be() -> None:
    """Smoothing by s makes neighbours alike by exp(-1 / (4 s^2))."""
    noise = np.random.default_rng(0).standard_normal(
        (400 + 2 * blocks.margin(1.2), 400 + 2 * blocks.margin(1.2), 1)
    )
    field = blocks.smooth(noise, 1.2)[..., 0]
    assert field.shape == (400, 400)
    assert field.std() == pytest.approx(1, abs=0.02)
    assert (field[1:] * field[:-1]).mean() == pytest.approx(np.exp(-1 / (4 * 1.2**2)), abs=0.02)


def test_reach_by_hand() -> None:
    shares = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    along = np.array([(0, 0), (0, 8), (0, 16), (0, 24)])  # three pairs of neighbours, of which two are alike
    assert blocks.reach(["s"] * 4, along, shares, 8) == pytest.approx(0.5 / np.sqrt(np.log(3)))
    assert blocks.reach(["s"] * 4, along, shares, 16) == 0  # unlike at twice the distance
    assert blocks.reach(list("abcd"), along, shares, 8) == 0  # none has a neighbour


def test_cells_have_the_shares_of_their_blocks() -> None:
    wanted = np.random.default_rng(1).dirichlet([2, 2, 2], (6, 7))
    cells = blocks.divided(wanted, 6 * 32, 7 * 32, 32, 24)
    assert cells.shape == (8, 10, 3)
    assert cells.sum(2) == pytest.approx(1)
    back = blocks.overlaps(6 * 32, 24, 32).T / 32, blocks.overlaps(7 * 32, 24, 32).T / 32
    plain = blocks.overlaps(6 * 32, 24, 32) / 24, blocks.overlaps(7 * 32, 24, 32) / 24
    means = np.einsum("ar,bc,rck->abk", *plain[:1], plain[1] / plain[1].sum(1, keepdims=True), wanted)
    off = np.abs(blocks.weighed(*back, cells) - wanted).mean()
    assert off < 0.3 * np.abs(blocks.weighed(*back, means) - wanted).mean()


def test_overlaps_by_hand() -> None:
    assert blocks.overlaps(20, 6, 8).tolist() == [[6, 0, 0], [2, 4, 0], [0, 4, 2], [0, 0, 2]]

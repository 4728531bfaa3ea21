import hashlib
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landloom.data.canvas import Canvas, normal, starts, uniform, weights
from landloom.raster.windows import Window

place = st.integers(-300, 300)
length = st.integers(1, 300)
strides = st.sampled_from([(64, 32), (64, 64), (64, 48), (32, 8), (48, 16)])


@settings(deadline=None, max_examples=40)
@given(place, length, strides)
def test_windows_cover_the_canvas_and_are_as_few_as_can_be(
    first: int, count: int, cut: tuple[int, int]
) -> None:
    size, stride = cut
    found = starts(first, count, size, stride)
    assert all(s % stride == 0 for s in found)
    assert set(range(first, first + count)) <= {p for s in found for p in range(s, s + size)}
    assert found[0] <= first < found[0] + stride
    assert len(found) == 1 or found[-2] + size < first + count


def test_a_tile_is_the_canvas_of_one_window() -> None:
    assert list(Canvas(64, 64, 1).windows(64, 32)) == [Window(0, 0, 64, 64)]
    assert list(Canvas(64, 64, 1, -32, 64).windows(64, 32)) == [Window(-32, 64, 64, 64)]
    assert list(Canvas(10, 20, 1, 3, 4).windows(64, 32)) == [Window(0, 0, 64, 64)]


def test_windows_come_in_reading_order_at_global_places() -> None:
    found = list(Canvas(96, 100, 0, 32, -32).windows(64, 32))
    assert [(w.row, w.col) for w in found] == list(product([32, 64], [-32, 0, 32]))


@settings(deadline=None, max_examples=40)
@given(place, place, length, length, strides)
def test_a_margin_finds_all_windows_that_touch(
    row: int, col: int, height: int, width: int, cut: tuple[int, int]
) -> None:
    size, stride = cut
    canvas = Canvas(height, width, 0, row, col)
    found = {(w.row, w.col) for w in canvas.grown(size - stride).windows(size, stride)}
    lattice = range(-30 * stride - 600, 600 + 30 * stride)
    rows, cols = (
        [s for s in lattice if s % stride == 0 and s < a + n and s + size > a]
        for a, n in ((row, height), (col, width))
    )
    assert found >= set(product(rows, cols))


def test_the_extent_holds_all_windows_and_keeps_its_place_on_the_map() -> None:
    canvas = Canvas(70, 30, 0, 5, -3, "EPSG:32652", [2.0, 0.0, 1000.0, 0.0, -2.0, 5000.0])
    extent = canvas.extent(64, 32)
    assert (extent.row, extent.col, extent.height, extent.width) == (0, -32, 96, 64)
    # Five rows up at 2 m are 10 m north, 29 columns to the left are 58 m west.
    assert extent.transform == [2.0, 0.0, 942.0, 0.0, -2.0, 5010.0]
    assert extent.at(Window(5, -3, 70, 30)) == canvas
    assert Canvas(64, 128, 7, -32, 64).cells(2) == Canvas(32, 64, 7, -16, 32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**70), st.integers(0, 9), place, place, st.integers(1, 80), st.integers(1, 80))
def test_a_place_has_its_numbers_whatever_window_asks(
    seed: int, step: int, row: int, col: int, height: int, width: int
) -> None:
    for draw in (uniform, normal):
        whole = draw(seed, step, row - 40, col - 70, 200, 230, 2)
        part = draw(seed, step, row, col, height, width, 2)
        np.testing.assert_array_equal(whole[:, 40 : 40 + height, 70 : 70 + width], part)


def test_numbers_differ_by_seed_step_place_depth_and_kind() -> None:
    at = {"row": 0, "col": 0, "height": 64, "width": 64, "depth": 2}
    plain = normal(1, 0, **at)
    others = [normal(2, 0, **at), normal(1, 1, **at), normal(1, 0, **at | {"row": 64}),
              normal(1, 0, **at | {"col": -64}), uniform(1, 0, **at), plain[::-1]]  # fmt: skip
    for other in others:
        assert abs(np.corrcoef(plain.ravel(), other.ravel())[0, 1]) < 0.06


def test_numbers_have_their_laws() -> None:
    found = normal(3, 0, 0, 0, 512, 512, 2)
    assert abs(found.mean()) < 0.01
    assert abs(found.std() - 1) < 0.01
    assert abs((np.abs(found) < 1).mean() - 0.6827) < 0.005
    flat = uniform(3, 0, 0, 0, 512, 512, 2)
    assert 0 <= flat.min() < 1e-4
    assert 1 - 1e-4 < flat.max() < 1
    np.testing.assert_allclose(np.histogram(flat, 8, (0, 1))[0] / flat.size, 1 / 8, atol=0.003)


def test_numbers_are_the_same_bytes_as_ever() -> None:
    """A scene must not change with the version of numpy, nor on another machine."""
    drawn = uniform(7, 3, -10, 50, 90, 80, 2).tobytes() + normal(7, 3, -10, 50, 90, 80, 2).tobytes()
    assert hashlib.sha256(drawn).hexdigest()[:16] == "a8d778db1b2849ae"


@pytest.mark.parametrize(("size", "stride"), [(64, 32), (64, 48), (64, 64), (8, 4), (7, 4)])
def test_weights_of_overlapping_windows_add_up_to_one(size: int, stride: int) -> None:
    total = np.zeros((size + 4 * stride,) * 2)
    for row, col in product(range(5), repeat=2):
        total[row * stride : row * stride + size, col * stride : col * stride + size] += weights(size, stride)
    inner = total[size:-size, size:-size] if size < 3 * stride else total[2 * stride : 3 * stride]
    np.testing.assert_allclose(inner, 1, atol=1e-6)


def test_weights_are_highest_in_the_middle_and_never_zero() -> None:
    found = weights(64, 16)
    assert found.min() > 0
    assert found.max() == pytest.approx(1, abs=0.01)
    assert (np.diff(found[32, :32]) > 0).all()
    np.testing.assert_array_equal(found, found[::-1, ::-1])

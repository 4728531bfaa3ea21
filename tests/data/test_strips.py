from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from landloom.data.canvas import Canvas, normal, wave
from landloom.data.strips import Lattice, blended
from landloom.raster.windows import Window


def ground(windows: Sequence[Window]) -> list[NDArray[Any]]:
    """What the world shows at a place, the same in all windows."""
    return [normal(1, 0, *w, 2) for w in windows]


def own(windows: Sequence[Window]) -> list[NDArray[Any]]:
    """What each window sees in its own way."""
    return [normal(1, 7 + w.row + 1000 * w.col, *w, 2) for w in windows]


@settings(deadline=None, max_examples=40)
@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 90), st.integers(1, 90),
       st.sampled_from([(16, 8), (16, 4), (16, 12), (16, 16), (12, 8)]), st.integers(1, 5))  # fmt: skip
def test_windows_that_agree_are_left_as_they_are(
    row: int, col: int, height: int, width: int, cut: tuple[int, int], batch: int
) -> None:
    lattice = Lattice(Canvas(height, width, 0, row, col), *cut)
    extent = lattice.extent
    found = np.concatenate(list(blended(lattice, ground, batch)), 1)
    whole = normal(1, 0, extent.row, extent.col, extent.height, extent.width, 2)
    np.testing.assert_allclose(found, whole, atol=1e-5)
    assert lattice.strips[0].row == extent.row
    assert sum(s.height for s in lattice.strips) == extent.height


def test_a_pixel_is_the_weighted_mean_of_its_windows() -> None:
    lattice = Lattice(Canvas(16, 24, 0), 16, 8)
    found = np.concatenate(list(blended(lattice, own, 3)), 1)
    left, right = own([Window(0, 0, 16, 16), Window(0, 8, 16, 16)])
    share = wave(16, 8)
    # Column 10 is the 11th of the left window and the third of the right one.
    expected = (left[:, :, 10] * share[10] + right[:, :, 2] * share[2]) / (share[10] + share[2])
    np.testing.assert_allclose(found[:, :, 10], expected, atol=1e-6)
    np.testing.assert_array_equal(found[:, :, :8], left[:, :, :8])  # alone: to the bit
    np.testing.assert_array_equal(found[:, :, 16:], right[:, :, 8:])


@pytest.mark.parametrize("stride", [16, 12, 8, 4])
def test_strips_are_the_same_bytes_wherever_one_begins_and_whatever_the_batch(stride: int) -> None:
    lattice = Lattice(Canvas(70, 40, 0, -5, 3), 16, stride)
    whole = list(blended(lattice, own, 4))
    for first in range(len(whole)):
        for batch in (1, 5):
            rest = list(blended(lattice, own, batch, first))
            assert len(rest) == len(whole) - first
            assert all(np.array_equal(a, b) for a, b in zip(rest, whole[first:], strict=True))


def test_batches_are_always_full() -> None:
    seen = []

    def work(windows: Sequence[Window]) -> list[NDArray[Any]]:
        seen.append(len(windows))
        return ground(windows)

    list(blended(Lattice(Canvas(48, 32, 0), 16, 8), work, 4))  # 5 x 3 windows
    assert seen == [4, 4, 4, 4]


def test_what_windows_show_may_be_larger_than_they_are() -> None:
    lattice = Lattice(Canvas(24, 32, 0, 8, -8), 16, 8)

    def work(windows: Sequence[Window]) -> list[NDArray[Any]]:
        return ground([Window(*(2 * n for n in w)) for w in windows])

    found = np.concatenate(list(blended(lattice, work, 4, scale=2)), 1)
    np.testing.assert_allclose(found, normal(1, 0, 16, -16, 48, 64, 2), atol=1e-5)

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from landloom.raster.labels import IGNORE
from landloom.raster.pyramid import area_mean, majority

NONE = IGNORE


def everywhere(image: NDArray[Any]) -> NDArray[np.bool_]:
    return np.ones(image.shape[1:], bool)


def test_a_coarse_pixel_is_the_mean_of_its_block() -> None:
    image = np.array([[[0, 2, 10, 20], [4, 6, 30, 41]], [[1, 1, 0, 0], [1, 1, 0, 1]]], np.uint8)
    found, valid = area_mean(image, everywhere(image), 2)
    assert (found.dtype, found.tolist()) == (np.dtype(np.uint8), [[[3, 25]], [[1, 0]]])
    assert valid.tolist() == [[True, True]]


@pytest.mark.parametrize(("dtype", "wanted"), [(np.int16, [2, -2, 2]), (np.float32, [1.5, -1.5, 2.5])])
def test_whole_numbers_are_rounded_halves_to_even(dtype: type, wanted: list[float]) -> None:
    image = np.array([[[1, 1, -1, -1, 2, 2], [2, 2, -2, -2, 3, 3]]], dtype)
    found, _ = area_mean(image, everywhere(image), 2)
    assert (found.dtype, found.ravel().tolist()) == (np.dtype(dtype), wanted)


def test_large_values_do_not_overflow_and_are_exact() -> None:
    image = np.full((1, 8, 8), 2**31 - 1, np.int32)
    assert area_mean(image, everywhere(image), 8)[0].tolist() == [[[2**31 - 1]]]


def test_pixels_without_data_have_no_part_and_most_of_a_block_decides() -> None:
    """Blocks with three, two, one and no pixel of data."""
    image = np.array([[[8, 4, 8, 99, 8, 99, 99, 99], [0, 99, 99, 4, 99, 99, 99, 99]]], np.uint8)
    valid = image[0] != 99
    found, held = area_mean(image, valid, 2)
    assert found.tolist() == [[[4, 6, 8, 99]]]
    assert held.tolist() == [[True, True, False, False]]
    empty = np.where(valid, image, np.nan).astype(np.float32)
    assert np.isnan(area_mean(empty, valid, 2)[0][0, 0]).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        ([[1, 1], [2, 1]], 1),
        ([[2, 1], [1, 2]], 1),  # of equal ones the lowest
        ([[3, 0], [2, 1]], 0),
        ([[NONE, NONE], [2, 2]], 2),  # half of it has a class
        ([[NONE, NONE], [2, 1]], 1),
        ([[NONE, NONE], [NONE, 2]], NONE),
        ([[NONE, NONE], [NONE, NONE]], NONE),
    ],
)
def test_a_coarse_pixel_has_the_class_of_most(block: list[list[int]], wanted: int) -> None:
    assert majority(np.array(block, np.uint8), 2).tolist() == [[wanted]]


def test_blocks_lie_beside_each_other_as_in_the_scene() -> None:
    mask = np.arange(6, dtype=np.uint8).reshape(2, 3).repeat(3, 0).repeat(3, 1)
    assert majority(mask, 3).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert area_mean(mask[None], mask < 9, 3)[0].tolist() == [[[0, 1, 2], [3, 4, 5]]]


@given(arrays(np.uint8, (1, 12, 12)), st.sampled_from([1, 2, 3, 4, 6]))
def test_means_stay_within_half_a_step_and_majorities_agree_with_counting(
    image: NDArray[np.uint8], scale: int
) -> None:
    found, _ = area_mean(image, everywhere(image), scale)
    mask = np.where(image[0] % 5 == 4, NONE, image[0] % 5).astype(np.uint8)
    seen = majority(mask, scale)
    for r in range(12 // scale):
        for c in range(12 // scale):
            part = np.s_[r * scale : (r + 1) * scale, c * scale : (c + 1) * scale]
            assert abs(float(found[0, r, c]) - image[0][part].mean()) <= 0.5
            counts = np.bincount(mask[part].ravel(), minlength=256)
            ignored = counts[NONE] > scale**2 / 2
            assert seen[r, c] == (NONE if ignored else counts[:NONE].argmax())

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.raster.labels import IGNORE
from landloom.raster.palette import generation_palette, nearest, paint, rgb


@given(st.integers(2, 60), st.integers(1, 13))
def test_codes_are_distinct_and_in_range(classes: int, channels: int) -> None:
    codes = generation_palette(classes, channels)
    assert codes.shape == (classes, channels)
    assert len(np.unique(codes, axis=0)) == classes
    assert np.abs(codes).max() <= 1


def test_two_classes_take_opposite_corners() -> None:
    first, second = generation_palette(2, 3)
    np.testing.assert_array_equal(first, -second)


@given(st.integers(2, 20), st.integers(0, 9))
def test_nearest_undoes_paint(classes: int, seed: int) -> None:
    palette = generation_palette(classes, 3)
    mask = np.random.default_rng(seed).integers(0, classes, (5, 7)).astype(np.uint8)
    found, distance = nearest(paint(mask, palette), palette)
    np.testing.assert_array_equal(found, mask)
    assert distance == pytest.approx(0)


def test_ignored_pixels_are_the_middle_for_diffusion_and_white_for_people() -> None:
    mask = np.array([[0, IGNORE]], np.uint8)
    np.testing.assert_array_equal(paint(mask, generation_palette(4, 3))[:, 0, 1], [0, 0, 0])
    np.testing.assert_array_equal(rgb(mask, ["#102030", "#ffffff"])[0], [[16, 32, 48], [255, 255, 255]])

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landloom.data import coarse_images
from landloom.data.coarse_images import Coarse, agreeing, blocks
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec


def means(image: np.ndarray, factor: int) -> np.ndarray:
    bands, height, width = image.shape
    parts = image.astype(np.float64).reshape(bands, height // factor, factor, width // factor, factor)
    return np.asarray(parts.mean((2, 4)))


def test_means_of_blocks_by_hand() -> None:
    image = np.array([[[0, 2, 10, 10], [4, 6, 10, 14]]], np.uint8)
    found = blocks(image, 2)
    assert found.means.tolist() == [[[3, 11]]]
    assert found.known.tolist() == [[1, 1]]


def test_pixels_without_data_do_not_count() -> None:
    image = np.array([[[1, np.nan], [3, 5]]], np.float32)
    found = blocks(image, 2)
    assert found.means.tolist() == [[[3]]]
    assert found.known.tolist() == [[0.75]]


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 4, 8]), st.sampled_from(["uint8", "int16", "uint16"])
)
def test_integers_agree_within_half_a_step_even_at_the_limits(seed: int, factor: int, dtype: str) -> None:
    rng, limits = np.random.default_rng(seed), np.iinfo(dtype)
    shape = (2, 3 * factor, 2 * factor)
    image = rng.integers(limits.min, limits.max, shape, endpoint=True).astype(dtype)
    coarse = rng.integers(limits.min, limits.max, (2, 3, 2), endpoint=True).astype(np.float64)
    coarse[0, 0] = limits.min, limits.max
    coarse += rng.choice([0, 0.25], coarse.shape) * (coarse < limits.max)
    made = agreeing(image, Coarse(coarse, np.ones((3, 2))), factor)
    assert made.dtype == image.dtype
    assert np.abs(means(made, factor) - coarse).max() <= 0.5 / factor**2 + 1e-6 * abs(limits.max)


def test_floats_agree_and_details_stay() -> None:
    image = np.random.default_rng(0).normal(size=(1, 4, 4)).astype(np.float32)
    coarse = np.array([[[1.0, 2], [3, 4]]])
    made = agreeing(image, Coarse(coarse, np.ones((2, 2))), 2)
    assert means(made, 2) == pytest.approx(coarse, abs=1e-6)
    flat = means(image, 2).repeat(2, 1).repeat(2, 2)
    assert made - coarse.repeat(2, 1).repeat(2, 2) == pytest.approx(image - flat, abs=1e-5)


def test_an_image_that_agrees_is_not_touched_nor_are_blocks_with_gaps() -> None:
    image = np.random.default_rng(1).integers(0, 255, (3, 8, 8)).astype(np.uint8)
    own = blocks(image, 4)
    assert np.array_equal(agreeing(image, own, 4), image)
    known = np.array([[1, 0.5], [1, 1]])
    made = agreeing(image, Coarse(own.means + 20, known), 4)
    assert np.array_equal(made[:, :4, 4:], image[:, :4, 4:])
    assert (made[:, 4:] != image[:, 4:]).any()


def test_a_layer_comes_before_the_samples_own_image() -> None:
    image, values = np.zeros((1, 8, 8), np.uint8), np.array([[[1, 2], [3, 4]]], np.uint8)
    gap = np.array([[True, False], [True, True]])
    sample = Sample("a", image=codec.encode(image), layers=coarse_images.layers(values, gap))
    found = coarse_images.of(sample, 4, 2)
    assert found is not None
    assert found.means.tolist() == [[[1, 0], [3, 4]]]
    assert found.known.tolist() == [[1, 0], [1, 1]]
    own = coarse_images.of(Sample("b", image=codec.encode(image)), 4, 2)
    assert own is not None
    assert not own.means.any()
    assert coarse_images.of(Sample("c"), 4, 2) is None


def test_a_layer_of_another_size_is_named() -> None:
    sample = Sample("odd7", layers=coarse_images.layers(np.ones((1, 3, 2)), np.ones((3, 2), bool)))
    with pytest.raises(
        InputError, match=r"^odd7: its layer 'low_resolution' has 3 x 2 pixels, but 2 x 2 blocks"
    ):
        coarse_images.of(sample, 4, 2)

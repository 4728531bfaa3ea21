import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from landloom.raster import histogram
from landloom.raster.labels import IGNORE
from tests import rasters

VALUES = arrays(np.uint8, st.integers(1, 40))
PERCENTS = st.lists(st.floats(0, 100), min_size=1, max_size=4)


def test_occurrences_are_those_of_numpy() -> None:
    (band,) = rasters.noise(9, 14, 1)[:, ::2, 1:]
    assert (histogram.occurrences(band) == np.bincount(band.ravel(), minlength=256)).all()


def test_only_some_pixels_are_counted() -> None:
    image, mask = rasters.noise(8, 8, 2), rasters.halves(8, 8)
    mask[2:5] = IGNORE
    expected = [np.bincount(band[mask != IGNORE], minlength=256) for band in image]
    np.testing.assert_array_equal(histogram.where(image, mask != IGNORE), expected)


@given(VALUES, PERCENTS)
def test_percentiles_are_those_of_numpy_to_the_bit(values: NDArray[np.uint8], percents: list[float]) -> None:
    counts = np.bincount(values, minlength=256)
    found = histogram.percentiles(counts, percents)
    assert found.tolist() == np.percentile(values.astype(np.float64), percents).tolist()


def test_percentiles_of_many_values_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).normal(100, 30, 2_000_003).clip(0, 255).astype(np.uint8)
    percents = [0, 0.1, 1, 33.3, 50, 99, 99.97, 100]
    found = histogram.percentiles(histogram.occurrences(values[None]), percents)
    assert found.tolist() == np.percentile(values.astype(np.float64), percents).tolist()

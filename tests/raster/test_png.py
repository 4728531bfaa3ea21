import io
import warnings

import datasets  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import MemoryFile
from scipy.ndimage import gaussian_filter

from landloom.raster import codec, png
from tests import rasters

SHAPES = st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9))


@given(arrays(np.uint8, SHAPES))
def test_other_readers_see_the_same_pixels(image: NDArray[np.uint8]) -> None:
    data = png.encode(image)
    with Image.open(io.BytesIO(data)) as found:
        assert found.mode == {1: "L", 3: "RGB"}[len(image)]
        np.testing.assert_array_equal(
            np.asarray(found).reshape(*image.shape[1:], -1), np.moveaxis(image, 0, -1)
        )
    with Image.open(io.BytesIO(data)) as found:
        found.verify()  # checksums of all chunks
    np.testing.assert_array_equal(codec.decode(data), image)


def test_datasets_reads_it() -> None:
    image = rasters.noise(8, 8)
    found = datasets.Image().decode_example({"path": None, "bytes": png.encode(image)})
    np.testing.assert_array_equal(np.asarray(found), np.moveaxis(image, 0, -1))


def test_a_view_is_stored_as_its_pixels() -> None:
    image = rasters.noise(9, 12)[::-1, ::2, ::3]
    np.testing.assert_array_equal(codec.decode(png.encode(image)), image)


def test_it_is_hardly_larger_than_that_of_gdal() -> None:
    rng = np.random.default_rng(0)
    ground = 100 + 160 * gaussian_filter(rng.normal(size=(256, 256)), 4)
    image = (ground + rng.normal(0, 4, (3, 256, 256))).clip(0, 255).astype(np.uint8)
    with warnings.catch_warnings(action="ignore"), MemoryFile() as memory:
        with memory.open(driver="PNG", count=3, height=256, width=256, dtype="uint8") as file:
            file.write(image)
        assert len(png.encode(image)) < 1.1 * len(memory.read())


@pytest.mark.parametrize(
    ("bands", "dtype", "fits"),
    [(1, np.uint8, True), (3, np.uint8, True), (2, np.uint8, False), (3, np.int8, False)],
)
def test_what_it_can_hold(bands: int, dtype: type, fits: bool) -> None:
    assert png.holds(np.zeros((bands, 4, 4), dtype)) == fits


def test_only_a_png_without_its_end_is_cut_off() -> None:
    data = png.encode(rasters.noise(4, 4))
    assert not png.cut_off(data)
    assert png.cut_off(data[:-1])
    assert not png.cut_off(b"II*\0")

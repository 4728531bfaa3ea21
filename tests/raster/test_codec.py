import io

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from landloom.raster import codec
from tests import rasters

TYPES = st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
images = TYPES.flatmap(
    lambda t: arrays(t, st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)))
)


@given(images)
def test_decode_returns_what_was_encoded(image: NDArray[np.generic]) -> None:
    found = codec.decode(codec.encode(image))
    assert found.dtype == image.dtype
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize(("bands", "start"), [(1, b"\x89PNG"), (3, b"\x89PNG"), (4, b"II*\0")])
def test_eight_bit_grey_and_rgb_are_png_and_the_rest_geotiff(bands: int, start: bytes) -> None:
    assert codec.encode(rasters.noise(8, 8, bands)).startswith(start)


def test_geotiff_keeps_its_place() -> None:
    data = codec.encode(np.zeros((2, 4, 4), np.float32), "EPSG:32652", list(rasters.GRID[:6]), nodata=-1)
    with rasterio.open(io.BytesIO(data)) as file:
        assert (file.crs.to_epsg(), file.transform, file.nodata) == (32652, rasters.GRID, -1)


def test_same_array_same_bytes() -> None:
    image = rasters.noise(16, 16, 5)
    assert codec.encode(image) == codec.encode(image.copy())


def test_garbage_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not a readable raster"):
        codec.decode(b"no raster")

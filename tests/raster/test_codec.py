import io

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import MemoryFile

from landloom.errors import InputError
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


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int64, np.float32])
@pytest.mark.parametrize("bands", range(1, 7))
def test_every_band_of_a_geotiff_is_data(bands: int, dtype: type) -> None:
    image = np.zeros((bands, 4, 4), dtype)
    with MemoryFile() as memory:
        with memory.open(**codec.geotiff(image), count=bands, height=4, width=4) as file:
            file.write(image)
        with memory.open() as file:
            assert ColorInterp.alpha not in file.colorinterp
            assert file.dataset_mask().all()  # alpha would make zeros transparent
            assert all(flags == [MaskFlags.all_valid] for flags in file.mask_flag_enums)


def test_geotiff_keeps_its_place() -> None:
    data = codec.encode(np.zeros((2, 4, 4), np.float32), "EPSG:32652", list(rasters.GRID[:6]), nodata=-1)
    with rasterio.open(io.BytesIO(data)) as file:
        assert (file.crs.to_epsg(), file.transform, file.nodata) == (32652, rasters.GRID, -1)


def test_same_array_same_bytes() -> None:
    image = rasters.noise(16, 16, 5)
    assert codec.encode(image) == codec.encode(image.copy())


def test_garbage_is_an_input_error() -> None:
    with pytest.raises(InputError, match="a raster in a shard: is damaged"):
        codec.decode(b"no raster")


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_what_is_cut_off_is_an_input_error(bands: int) -> None:
    data = codec.encode(rasters.noise(32, 32, bands))
    for length in (0, 40, len(data) // 2, len(data) - 12, len(data) - 1):
        with pytest.raises(InputError, match="a raster in a shard: is damaged"):
            codec.decode(data[:length])

"""Lossless files in memory: PNG where it can hold the array, GeoTIFF otherwise."""

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.raster import png
from landloom.raster.drivers import ENCODED
from landloom.runtime import phases

# Tiles without a map position are fine. Said once for all: they are encoded in threads, which share filters.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


DECODED = 2**30
"""Most bytes of a raster in memory; a few bytes may claim any size."""


@phases.during("write")
def encode(
    array: NDArray[Any],
    crs: str | None = None,
    transform: Sequence[float] | None = None,
    nodata: float | None = None,
) -> bytes:
    """Encode (H, W) or (C, H, W) losslessly; 8-bit grey and RGB become PNG, the rest GeoTIFF."""
    array = array[None] if array.ndim == 2 else array
    if png.holds(array):
        return png.encode(array)
    profile = geotiff(array) | {"count": len(array), "height": array.shape[1], "width": array.shape[2]}
    profile |= {"crs": crs, "nodata": nodata, "transform": None if transform is None else Affine(*transform)}
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(array)
        return bytes(memory.read())


def geotiff(array: NDArray[Any]) -> dict[str, Any]:
    """Creation options of a deflated GeoTIFF for an array (C, H, W), in which every band is data.

    Left to itself GDAL calls the fourth of four 8-bit bands alpha, and readers then drop it.
    """
    colors = array.dtype == np.uint8 and len(array) == 3
    return {
        "driver": "GTiff",
        "dtype": array.dtype.name,
        "compress": "deflate",
        "predictor": 3 if array.dtype.kind == "f" else 2,
        "photometric": "rgb" if colors else "minisblack",
        "alpha": "unspecified",
    }


@phases.during("load")
def decode(data: bytes) -> NDArray[Any]:
    """Decode a file in memory to (C, H, W).

    Raises:
        InputError: the bytes are not a raster, or claim too large a one, or a PNG was cut off.
    """
    if not data or png.cut_off(data):
        raise _damaged("it is empty or cut off")
    try:
        with MemoryFile(data) as memory, memory.open(driver=list(ENCODED)) as file:
            if (size := sum(prod(file.shape) * np.dtype(d).itemsize for d in file.dtypes)) > DECODED:
                raise _damaged(f"it claims {size / 2**30:.1f} GiB of pixels")
            return np.asarray(file.read())
    except RasterioError as error:
        raise _damaged(str(error.__cause__ or error)) from None


def _damaged(found: str) -> InputError:
    """The error for bytes in a shard, of which only the shard's reader knows the name."""
    return InputError("a raster in a shard", f"is damaged ({found})", "Delete the shard and run again")

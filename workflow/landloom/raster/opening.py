"""The door through which every raster is opened: of few formats, of a bounded size, and on its own."""

from math import prod
from pathlib import Path

import numpy as np
from rasterio.env import ensure_env
from rasterio.io import DatasetReader

from landloom.errors import InputError
from landloom.raster.drivers import RASTERS

SIDE = 1_000_000
"""Most pixels along a side."""
PIXELS = 10**11
"""Most pixels of a raster: a square of 3,000 km at 10 m."""
BANDS = 2_000
"""Most bands of a file."""
UNPACKED = 2**30
"""Most bytes that are unpacked at once: a block of a file, of all bands if they are stored together."""


@ensure_env  # type: ignore[untyped-decorator]
def opened(path: Path) -> DatasetReader:
    """Open a raster; use it as a context manager.

    Raises:
        RasterioError, CPLE_BaseError: it cannot be read; see ``readable``.
        InputError: it is larger than any scene, or names another file.
    """
    file = DatasetReader(str(path), driver=list(RASTERS))
    try:
        _ = file.crs, file.tags()  # an error in them would come up later, where no file is named
        require_bounded(file, path)
        _require_alone(file, path)
    except BaseException:
        file.close()
        raise
    return file


def require_bounded(file: DatasetReader, path: Path) -> None:
    """Make sure, by its header, that a raster is no larger than memory and time allow.

    Raises:
        InputError: it is; a file of a few bytes may claim any size.
    """
    if max(file.shape) > SIDE or prod(file.shape) > PIXELS or file.count > BANDS:
        found = f"claims {file.count} bands of {file.height} x {file.width} pixels"
        most = f"{SIDE:,} pixels along a side, {PIXELS:,} in all and {BANDS:,} bands"
        raise InputError(path, found, f"Split it, or write the file again: {most} are the most")
    if (size := _block(file)) > UNPACKED:
        found = f"{size / 2**30:.1f} GiB would have to be unpacked to read one pixel"
        remedy = f"Write it in tiles (gdal_translate -co TILED=YES); {UNPACKED >> 30} GiB are the most"
        raise InputError(path, found, remedy)


def _block(file: DatasetReader) -> int:
    """Bytes of a block when it is unpacked; of all bands if they are stored together."""
    sizes = [prod(s) * _bytes(kind) for s, kind in zip(file.block_shapes, file.dtypes, strict=True)]
    return sum(sizes) if file.profile.get("interleave") == "pixel" else max(sizes, default=0)


def _bytes(kind: str) -> int:
    """Bytes of a value; numpy has no integer complex numbers."""
    return 8 if kind.startswith("complex_int") else np.dtype(kind).itemsize


def _require_alone(file: DatasetReader, path: Path) -> None:
    """Refuse overviews in another file that the metadata name: GDAL would open whatever stands there."""
    if named := file.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"):
        found = f"its metadata name another file for its overviews ('{named[:60]}'), which is never opened"
        raise InputError(path, found, "Write it without (gdal_translate), and remove its .aux.xml")

"""Failures to read a raster, as errors that name the file."""

from collections.abc import Iterator
from contextlib import contextmanager

from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from landloom.errors import InputError
from landloom.raster.drivers import RASTERS, formats

UNKNOWN = "not recognized as being in a supported file format"
"""What GDAL says of a file that none of its drivers takes."""


@contextmanager
def readable(path: object) -> Iterator[None]:
    """Turn a failure to read a raster into an InputError that names the file."""
    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        cause = str(error.__cause__ or error)
        if UNKNOWN in cause:
            remedy = "Replace the file, which may be cut off, or write it to a GeoTIFF (gdal_translate)"
            found = f"cannot be read as a raster: it is none of {formats(RASTERS)}"
            raise InputError(path, found, remedy) from None
        raise InputError(
            path, f"cannot be read as a raster ({cause})", "Replace the file; it may be cut off"
        ) from None

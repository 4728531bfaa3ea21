"""Failures to read a raster, as errors that name the file."""

from collections.abc import Iterator
from contextlib import contextmanager

from rasterio.errors import RasterioError

from landloom.errors import InputError


@contextmanager
def readable(path: object) -> Iterator[None]:
    """Turn a failure to read a raster into an InputError that names the file."""
    try:
        yield
    except RasterioError as error:
        cause = error.__cause__ or error
        raise InputError(
            path, f"cannot be read as a raster ({cause})", "Replace the file; it may be cut off"
        ) from None

"""Bands: which of a scene's files are read, and where they hold data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window as Slice

from landloom.errors import InputError
from landloom.raster.readable import readable


@dataclass(frozen=True)
class Band:
    """One band to read: its file and its number there, counted from 1."""

    file: DatasetReader
    number: int


def select(files: Sequence[DatasetReader], wanted: Sequence[int] | None, scene: str) -> list[Band]:
    """Bands of stacked files in the wanted order, counted from 1 over all files; all but alpha without one.

    Raises:
        InputError: a band is not there, or its values are no measurements.
    """
    every = [Band(f, n) for f in files for n in f.indexes]
    if wanted is None:
        chosen = [b for b in every if b.file.colorinterp[b.number - 1] != ColorInterp.alpha]
    elif wrong := [n for n in wanted if not 1 <= n <= len(every)]:
        raise InputError(
            f"{files[0].name}, data.bands",
            f"band {wrong[0]} is asked for, but scene '{scene}' has {len(every)}",
            f"Use 1 to {len(every)}",
        )
    else:
        chosen = [every[n - 1] for n in wanted]
    for band in chosen:
        require_real(band.file, band.number)
        _require_plain(band)
    return chosen


def require_real(file: DatasetReader, number: int) -> None:
    """Raise InputError for a band of complex numbers."""
    if (dtype := file.dtypes[number - 1]).startswith("complex"):
        raise InputError(
            f"{file.name}, band {number}",
            f"complex numbers ({dtype})",
            "Give a real band in its place, such as the amplitude (gdal_calc.py --calc='numpy.abs(A)')",
        )


def _require_plain(band: Band) -> None:
    """Raise InputError for a band of numbers of colours: they would be taken for brightness."""
    if band.file.colorinterp[band.number - 1] == ColorInterp.palette:
        raise InputError(
            f"{band.file.name}, band {band.number}",
            "its values are numbers of colours in a colour table, not brightness",
            "Write the colours out (gdal_translate -expand rgb); if the values are measurements, copy them "
            "without the table (gdal_calc.py --calc=A)",
        )


def read(bands: Sequence[Band], part: Slice, nodata: float | None) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read bands (C, h, w) of a part inside their files in their common type, and where all hold data (h, w).

    Args:
        bands: of one scene.
        part: what to read.
        nodata: value of missing pixels; the files' own when None.

    Raises:
        InputError: a file cannot be read.
    """
    dtype = np.result_type(*(b.file.dtypes[b.number - 1] for b in bands))
    image = np.empty((len(bands), part.height, part.width), dtype)
    valid = np.ones(image.shape[1:], np.bool_)
    for file, own in _by_file(bands):
        numbers = [bands[i].number for i in own]
        with readable(file.name):
            image[own] = stored = file.read(numbers, window=part)
            valid &= ~_missing(stored, _fills(file, numbers, nodata)) & ~_masked(file, numbers, part)
    if dtype.kind == "f":
        valid &= np.isfinite(image).all(0)
    return image, valid


def partly_missing(bands: Sequence[Band], part: Slice, nodata: float | None) -> int:
    """Number of pixels that hold data although some bands of a file are nodata there."""
    found = 0
    for file, own in _by_file(bands):
        numbers = [bands[i].number for i in own]
        fills = _fills(file, numbers, nodata)
        if sum(v is not None and not alone(v, np.dtype(file.dtypes[0])) for v in fills) > 1:
            with readable(file.name):
                stored = file.read(numbers, window=part)
                missing = _missing(stored, fills) | _masked(file, numbers, part)
            some = np.any([_equal(band, v) for band, v in zip(stored, fills, strict=True)], axis=0)
            found += int((some & ~missing).sum())
    return found


def alone(fill: float, dtype: np.dtype[Any]) -> bool:
    """Whether one band with a nodata value makes a pixel missing, or all bands of its file must have it.

    Zero, and any value of 8 bits, may be a measurement: water has no near infrared, a roof is white in red.
    There GDAL's rule holds, all bands. Other values, such as -9999 or 65535, no sensor measures in one band.
    """
    return fill != 0 and dtype != np.uint8


def _by_file(bands: Sequence[Band]) -> Iterator[tuple[DatasetReader, list[int]]]:
    """Each file, and which of the bands lie in it."""
    for file in dict.fromkeys(b.file for b in bands):
        yield file, [i for i, b in enumerate(bands) if b.file is file]


def _fills(file: DatasetReader, numbers: Sequence[int], nodata: float | None) -> list[float | None]:
    return [file.nodatavals[n - 1] if nodata is None else nodata for n in numbers]


def _missing(stored: NDArray[Any], fills: Sequence[float | None]) -> NDArray[np.bool_]:
    """Where nodata values (C) make pixels of (C, h, w) missing (h, w); bands without one do not count."""
    missing = np.zeros(stored.shape[1:], np.bool_)
    together = []
    for band, fill in zip(stored, fills, strict=True):
        if fill is not None and alone(fill, stored.dtype):
            missing |= _equal(band, fill)
        elif fill is not None:
            together.append(_equal(band, fill))
    return missing | np.all(together, axis=0) if together else missing


def _masked(file: DatasetReader, numbers: Sequence[int], part: Slice) -> NDArray[np.bool_]:
    """Where a file's mask or alpha band says that data is missing (h, w)."""
    flags = file.mask_flag_enums[numbers[0] - 1]
    alpha = [n for n, c in zip(file.indexes, file.colorinterp, strict=True) if c == ColorInterp.alpha]
    if MaskFlags.per_dataset not in flags or set(alpha) & set(numbers):  # chosen alpha is data
        return np.zeros((part.height, part.width), np.bool_)
    return np.asarray(file.read_masks(numbers[0], window=part) == 0)


def _equal(band: NDArray[Any], value: float | None) -> NDArray[np.bool_]:
    if value is None or np.isnan(value):  # NaN is never data anyway
        return np.zeros(band.shape, np.bool_)
    if band.dtype.kind == "f":
        return np.asarray(band == band.dtype.type(value))
    return np.asarray(band == value)

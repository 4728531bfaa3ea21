"""Rasters that no config describes yet: what their headers say, and which values they hold."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window as Slice

from landloom.errors import InputError
from landloom.raster import acquisition, grid
from landloom.raster.ground import Ground, grounds
from landloom.raster.opening import opened
from landloom.raster.readable import readable
from landloom.raster.reader import STRICT
from landloom.raster.unknown import lossy
from landloom.raster.windows import Window

PART = 4_000_000
"""Pixels that are read together."""
SMALL = 512
"""Side that a raster is shrunk to where a glance is enough."""
FEW = 64
"""Most values that a mask holds; an image has more."""

Kind = Literal["integers", "palette", "colours"]


@dataclass(frozen=True)
class Header:
    """What the header of a raster says.

    Attributes:
        path: the file.
        height: in pixels.
        width: in pixels.
        dtypes: numpy type of each band.
        colors: what each band is called: red, green, blue, alpha, gray, palette or undefined.
        palette: colours '#rrggbb' by value; empty without one.
        nodata: value of missing pixels.
        crs: authority code or WKT.
        gsd: metres on the ground of a pixel.
        ground: where it lies.
        lossy: its compression changes values.
    """

    path: Path
    height: int
    width: int
    dtypes: tuple[str, ...]
    colors: tuple[str, ...]
    palette: dict[int, str]
    nodata: float | None
    crs: str | None
    gsd: float | None
    ground: Ground | None
    lossy: bool


@dataclass(frozen=True)
class Values:
    """What a mask holds.

    Attributes:
        kind: integers, integers with a palette, or colours packed as 0xRRGGBB.
        pixels: how often each value occurs.
    """

    kind: Kind
    pixels: Counter[int]


def header(path: Path) -> Header:
    """Read a header.

    Raises:
        InputError: the file is no raster, or lies nowhere.
    """
    with rasterio.Env(**STRICT), readable(path), opened(path) as file:
        crs, transform = grid.crs([file], None), grid.transform([file])
        middle = None if transform is None else transform @ (file.width / 2, file.height / 2)
        place = None if middle is None else acquisition.place(crs, middle, file.name)
        whole = [("", Window(0, 0, file.height, file.width))]
        return Header(
            path, file.height, file.width, tuple(file.dtypes), tuple(c.name for c in file.colorinterp),
            _palette(file), file.nodata, crs,
            acquisition.gsd(crs, transform, None if place is None else place[1]),
            next(iter(grounds(path.name, crs, transform, whole)), None), lossy(file),
        )  # fmt: skip


def _palette(file: DatasetReader) -> dict[int, str]:
    if file.colorinterp[0] != ColorInterp.palette:
        return {}
    return {value: f"#{r:02x}{g:02x}{b:02x}" for value, (r, g, b, _) in file.colormap(1).items()}


def masklike(path: Path) -> bool:
    """Whether a raster looks like a mask: few values, at a glance."""
    with rasterio.Env(**STRICT), readable(path), opened(path) as file:
        if file.colorinterp[0] == ColorInterp.palette:
            return True
        numbers = _opaque(file)
        if len(numbers) not in (1, 3) or not np.issubdtype(np.dtype(file.dtypes[0]), np.integer):
            return False
        found = file.read(numbers, out_shape=(len(numbers), *_small(file))).reshape(len(numbers), -1)
    return len(np.unique(found, axis=1).T) <= FEW


def varies(path: Path, band: int) -> bool:
    """Whether a band, counted from 1, holds more than two values: then an alpha band is data."""
    with rasterio.Env(**STRICT), readable(path), opened(path) as file:
        return len(np.unique(file.read(band, out_shape=_small(file)))) > 2


def values(path: Path) -> Values:
    """Count the values of a mask.

    Raises:
        InputError: it cannot be read, or can be no mask.
    """
    with rasterio.Env(**STRICT), readable(path), opened(path) as file:
        numbers = _opaque(file)
        if len(numbers) not in (1, 3):
            found = f"{len(numbers)} bands, but a mask has one, or three of 8 bits for a colour"
            raise InputError(path, found, "Give the folder with the masks, or write them so")
        pixels: Counter[int] = Counter()
        colours = len(numbers) == 3 and _differ(file, numbers)
        for part in parts(file):
            pixels += _counted(file.read(numbers, window=part), colours, path)
        palette = file.colorinterp[0] == ColorInterp.palette
        return Values("colours" if colours else "palette" if palette else "integers", pixels)


def _differ(file: DatasetReader, numbers: list[int]) -> bool:
    """Whether the bands of a mask say different things."""
    for part in parts(file):
        first, *others = file.read(numbers, window=part)
        if any(not np.array_equal(first, o) for o in others):
            return True
    return False


def _counted(stored: NDArray[Any], colours: bool, path: Path) -> Counter[int]:
    if colours and stored.dtype == np.uint8:
        red, green, blue = stored.astype(np.int64)
        return _tally(red << 16 | green << 8 | blue)
    if colours:
        raise InputError(path, f"colours of {stored.dtype}", "Write the mask with 8 bits a band")
    first = stored[0]
    if first.dtype.kind == "f":
        first = first[np.isfinite(first)]
        if (first != np.round(first)).any():
            remedy = "Give masks of whole numbers; this may be an image"
            raise InputError(path, "its values are no whole numbers", remedy)
    return _tally(first.astype(np.int64))


def _tally(codes: NDArray[np.int64]) -> Counter[int]:
    """How often each value occurs; small ones are counted without sorting."""
    if codes.size and codes.min() >= 0 and codes.max() < 1 << 24:
        counts = np.bincount(codes.ravel())
        found = np.flatnonzero(counts)
        counts = counts[found]
    else:
        found, counts = np.unique(codes, return_counts=True)
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def parts(file: DatasetReader) -> Iterator[Slice]:
    """Strips over a raster of about PART pixels each."""
    rows = max(1, PART // file.width)
    for row in range(0, file.height, rows):
        yield Slice(0, row, file.width, min(rows, file.height - row))


def _opaque(file: DatasetReader) -> list[int]:
    """Numbers of all bands but alpha."""
    return [n for n, c in zip(file.indexes, file.colorinterp, strict=True) if c != ColorInterp.alpha]


def _small(file: DatasetReader) -> tuple[int, int]:
    return min(SMALL, file.height), min(SMALL, file.width)

"""Class shares that are asked of each block of a scene, from a table or a raster."""

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.raster.class_map import Grid
from landloom.raster.opening import opened

WHOLE = 1e-3
"""How far the shares of a block may be from adding up to one."""
SHIFT = 0.1
"""How far a corner of the grid may lie from its place, in pixels of the scene."""


def read(path: Path, grid: Grid, names: Sequence[str], side: int) -> NDArray[np.float64]:
    """Shares (R, C, K) of the blocks of a scene; each block sums to one.

    Args:
        path: CSV or GeoTIFF.
        grid: of the scene.
        names: of the classes.
        side: of a block in pixels.

    Raises:
        InputError: the file cannot be read, has another size or place than the scene, lacks a block or a
            class, or the shares of a block are not possible.
    """
    size = -(-grid.height // side), -(-grid.width // side)
    found = (
        table(path, size, names) if path.suffix.lower() == ".csv" else raster(path, grid, size, names, side)
    )
    wrong = ~np.isfinite(found).all(2) | (found < 0).any(2) | (np.abs(found.sum(2) - 1) > WHOLE)
    if wrong.any():
        row, col = np.argwhere(wrong)[0]
        said = " ".join(f"{x:g}" for x in found[row, col])
        where = f"{path}, block at row {row}, column {col}"
        raise InputError(where, f"shares must be 0 or more and sum to one: {said}", "Correct the block")
    return np.asarray(found / found.sum(2, keepdims=True))


def table(path: Path, size: tuple[int, int], names: Sequence[str]) -> NDArray[np.float64]:
    """Shares (R, C, K) of a CSV with columns row, col and the classes; one that is left out is zero."""
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, f"cannot be read as CSV ({error})", "Give columns row, col, classes") from None
    if wrong := [c for c in columns if c not in (*names, "row", "col")]:
        raise InputError(path, f"no class is called {', '.join(wrong)}", f"Use {', '.join(names)}")
    if missing := {"row", "col"} - set(columns):
        raise InputError(
            path, f"has no column {', '.join(sorted(missing))}", "Give columns row, col, classes"
        )
    found = np.full((*size, len(names)), np.nan)
    for line, cells in enumerate(rows, 2):
        try:
            at = int(cells["row"]), int(cells["col"])
            shares = [float(cells.get(n) or 0) for n in names]
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}, line {line}", f"not a number: {error}", "Correct the line") from None
        if not all(0 <= i < n for i, n in zip(at, size, strict=True)):
            raise InputError(
                f"{path}, line {line}", f"block {at} is outside of {sized(size)}", "See the size"
            )
        if not np.isnan(found[at]).any():
            raise InputError(f"{path}, line {line}", f"block {at} is there twice", "Give each block once")
        found[at] = shares
    if (lacking := np.isnan(found).any(2)).any():
        row, col = np.argwhere(lacking)[0]
        raise InputError(path, f"block ({row}, {col}) of {sized(size)} is missing", "Give all blocks")
    return found


def raster(
    path: Path, grid: Grid, size: tuple[int, int], names: Sequence[str], side: int
) -> NDArray[np.float64]:
    """Shares (R, C, K) of a raster with a band for each class."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with opened(path) as file:
                require_place(file, path, grid, size, names, side)
                return np.moveaxis(file.read(), 0, -1).astype(np.float64)
    except RasterioError as error:
        raise InputError(path, f"cannot be read ({error})", "Give a CSV or a GeoTIFF") from None


def require_place(
    file: DatasetReader, path: Path, grid: Grid, size: tuple[int, int], names: Sequence[str], side: int
) -> None:
    """Make sure that a raster of blocks belongs to a scene.

    Raises:
        InputError: it has another number of bands, another size, system or place.
    """
    if file.count != len(names):
        found = f"has {file.count} bands, and there are {len(names)} classes"
        raise InputError(path, found, f"Give a band each for {', '.join(names)}")
    if file.shape != size:
        found = f"has {sized(file.shape)}, the scene has {sized(size)} of {side} pixels"
        raise InputError(f"{path}, size", found, "Give one pixel for each block")
    wanted = CRS.from_user_input(grid.crs) if grid.crs is not None else None
    if file.crs != wanted:
        found = f"{file.crs.to_string() if file.crs else 'none'}, but the scene has {grid.crs or 'none'}"
        raise InputError(f"{path}, CRS", found, "Reproject it (gdalwarp -t_srs), or set crs of the scene")
    if grid.transform is not None:
        to_pixels = ~Affine(*grid.transform) @ file.transform
        corners = [(0, 0), (size[1], size[0])]
        away = [abs(np.subtract(to_pixels @ c, (c[0] * side, c[1] * side))).max() for c in corners]
        if max(away) > SHIFT:
            found = f"lies {max(away):g} pixels beside the blocks of the scene"
            raise InputError(
                f"{path}, transform", found, "Give one pixel for each block, from the upper left on"
            )


def sized(size: Sequence[int]) -> str:
    """A size in words."""
    return f"{size[0]} x {size[1]} blocks"

"""Images of one place at other days, laid over the grid of a scene."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject
from rasterio.warp import transform as project
from rasterio.windows import Window as Slice

from landloom.errors import InputError
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles

MARGIN = 3
"""Pixels of another image around a window that its resampling may look at."""
LOCAL = CRS.from_epsg(3857)
"""Stands for the coordinate system of files that have none: their places are compared as they are."""


class Frame(NamedTuple):
    """One day over a window.

    Attributes:
        values: in the scenes' own type and units (C, h, w); 0 where nothing is known.
        valid: where all bands are known (h, w).
        acquired: the day.
    """

    values: NDArray[Any]
    valid: NDArray[np.bool_]
    acquired: date


class Series:
    """The images of other days of a scene; use it in a ``with`` block.

    Args:
        scene: an open scene.
        others: scenes of its place, itself perhaps among them; one whose day is not known is left out.
        most: days at most, see ``nearest``.
    """

    def __init__(self, scene: SceneReader, others: Sequence[SceneFiles], most: int) -> None:
        self.scene, self.most, self.stack = scene, most, ExitStack()
        self.others = [o for o in others if o.name != scene.scene.name and o.place == scene.scene.place]

    def __enter__(self) -> Self:
        """Open the scenes.

        Raises:
            InputError: a file cannot be read, or has other bands than the scene's or no place beside it.
        """
        try:
            opened = [self.stack.enter_context(SceneReader(o, self.scene.data)) for o in self.others]
            days = [(day, reader) for reader in opened if (day := reader.acquired()) is not None]
            chosen = nearest(self.scene.acquired(), [day for day, _ in days], self.most)
            self.dated = [days[i] for i in chosen]
            for _, reader in self.dated:
                require_alike(self.scene, reader)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def frames(self, window: Window) -> list[Frame]:
        """The days of which something is known in a window, in their order."""
        found = (Frame(*laid(self.scene, reader, window), day) for day, reader in self.dated)
        return [frame for frame in found if frame.valid.any()]


def nearest(own: date | None, days: Sequence[date], most: int) -> list[int]:
    """Which days to take, in their order: the nearest to ``own``, or the last ones if that is not known."""
    gap = {i: -day.toordinal() if own is None else abs((day - own).days) for i, day in enumerate(days)}
    chosen = sorted(gap, key=lambda i: (gap[i], days[i]))[:most]
    return sorted(chosen, key=lambda i: (days[i], i))


def require_alike(scene: SceneReader, other: SceneReader) -> None:
    """Make sure that the image of another day can be told beside that of a scene.

    Raises:
        InputError: it has other bands, or one of both alone has a place on the map.
    """
    where = other.images[0].name
    ours, theirs = (f"{len(r.bands)} bands of {r.dtype.name}" for r in (scene, other))
    if ours != theirs:
        found = f"{theirs}, but '{scene.scene.name}' of the same place, another day, has {ours}"
        raise InputError(where, found, "Choose bands that all days have with data.bands, or convert the file")
    if (scene.transform is None) != (other.transform is None):
        found = f"only one of '{other.scene.name}' and '{scene.scene.name}', of one place, has a georeference"
        raise InputError(where, found, "Give all days of a place a georeference, or none")


def laid(scene: SceneReader, other: SceneReader, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The image of another scene over a window of a scene (C, h, w), and where it is known (h, w).

    Bilinear between pixels, as GDAL warps; pixels without data have no part in it. Outside of the scene
    nothing is known. Files without a georeference lie over each other pixel by pixel.

    Raises:
        InputError: a file cannot be read.
    """
    sides = (window.height, window.width)
    values, valid = np.zeros((len(other.bands), *sides), other.dtype), np.zeros(sides, np.bool_)
    part = beneath(scene, other, window)
    if part is not None:
        stored, known = other.read_image(part)
        if scene.transform is None:
            values[:, : part.height, : part.width], valid[: part.height, : part.width] = stored, known
        else:
            values, valid = warped(scene, other, window, part, stored, known)
    valid[scene.height - window.row :] = False
    valid[:, scene.width - window.col :] = False
    values[:, ~valid] = 0
    return values, valid


def beneath(scene: SceneReader, other: SceneReader, window: Window) -> Slice | None:
    """The part of another scene that lies under a window, with a margin; None if there is none."""
    rows, cols = window.row + np.array([0, window.height]), window.col + np.array([0, window.width])
    margin = 0
    if scene.transform is not None and other.transform is not None:
        corners = [scene.transform @ (float(c), float(r)) for c in cols for r in rows]
        x, y = project(*systems(scene, other), *np.transpose(corners))
        if not np.isfinite([x, y]).all():
            return None
        cols, rows = np.transpose([~other.transform @ point for point in zip(x, y, strict=True)])
        margin = MARGIN * max(1, round(np.ptp(cols) / window.width), round(np.ptp(rows) / window.height))
    top, left = max(0, int(np.floor(min(rows))) - margin), max(0, int(np.floor(min(cols))) - margin)
    bottom = min(other.height, int(np.ceil(max(rows))) + margin)
    right = min(other.width, int(np.ceil(max(cols))) + margin)
    return Slice(left, top, right - left, bottom - top) if bottom > top and right > left else None


def systems(scene: SceneReader, other: SceneReader) -> tuple[CRS, CRS]:
    """Coordinate systems of a scene and another one; one without fits any."""
    known = scene.crs or other.crs
    return tuple(CRS.from_user_input(r.crs or known) if known else LOCAL for r in (scene, other))  # type: ignore[return-value]


def warped(
    scene: SceneReader, other: SceneReader, window: Window, part: Slice,
    stored: NDArray[Any], known: NDArray[np.bool_],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:  # fmt: skip
    """A part of another scene on the grid of a window of a scene."""
    assert scene.transform is not None
    assert other.transform is not None
    crs, theirs = systems(scene, other)
    grids = {
        "src_transform": other.transform @ Affine.translation(part.col_off, part.row_off), "src_crs": theirs,
        "dst_transform": scene.transform @ Affine.translation(window.col, window.row), "dst_crs": crs,
    }  # fmt: skip
    sides = (window.height, window.width)
    exact = np.float64 if stored.dtype.itemsize > (4 if stored.dtype.kind == "f" else 2) else np.float32
    source, found = (
        np.where(known, stored, np.nan).astype(exact),
        np.full((len(stored), *sides), np.nan, exact),
    )
    reproject(source, found, **grids, src_nodata=np.nan, dst_nodata=np.nan, resampling=Resampling.bilinear)
    valid = np.isfinite(found).all(0)
    if not known.all():  # what is nearest decides, not what has some part
        near = np.zeros(sides, np.uint8)
        reproject(known.astype(np.uint8), near, **grids, resampling=Resampling.nearest)
        valid &= near > 0
    return cast(np.where(valid, found, 0), stored.dtype), valid


def cast(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Means of values of a type, in this type."""
    return (values if dtype.kind == "f" else np.rint(values)).astype(dtype)

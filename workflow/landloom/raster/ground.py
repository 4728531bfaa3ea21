"""Which areas of different splits show the same ground: a score there would measure memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.warp import transform as warped

from landloom.raster.windows import Window
from landloom.scenes.splits import LEARNED

Quad = NDArray[np.float64]
"""Corners (4, 2) of an area in map units, around it."""


class Ground(NamedTuple):
    """Where an area lies.

    Attributes:
        scene: its scene.
        split: its split.
        crs: authority code or WKT; None for places that only the same files know.
        quad: its corners.
        pixel: length of a pixel's longer side, in map units.
    """

    scene: str
    split: str
    crs: str | None
    quad: Quad
    pixel: float


class Box(NamedTuple):
    """Bounds of an area in map units."""

    west: float
    south: float
    east: float
    north: float


def grounds(
    scene: str, crs: str | None, transform: Affine | None, areas: Iterable[tuple[str, Window]]
) -> list[Ground]:
    """Where areas of a scene lie, each with its split; none of them without a georeference."""
    return [] if transform is None else [_ground(scene, s, crs, transform, w) for s, w in areas]


def _ground(scene: str, split: str, crs: str | None, transform: Affine, window: Window) -> Ground:
    top, left = window.row, window.col
    bottom, right = top + window.height, left + window.width
    points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    quad = np.array([transform @ p for p in points], np.float64)
    sides = np.linalg.norm(np.diff(quad[:3], axis=0), axis=1) / (window.width, window.height)
    return Ground(scene, split, crs, quad, float(sides.max()))


def shared(places: Sequence[Ground]) -> list[tuple[Ground, Ground]]:
    """Pairs of areas of different scenes and splits that overlap by more than a pixel in each direction.

    Train and unlabelled areas may, for both are learned from.

    Places in different coordinate systems are compared in longitude and latitude; a place that cannot be
    brought there is left out. Sorted by their western edge, each is compared only with those that reach as
    far, so that thousands of scenes take no longer than reading their headers.
    """
    found: list[tuple[Ground, Ground]] = []
    for group in ([p for p in places if p.crs], [p for p in places if not p.crs]):
        open_: list[tuple[Ground, Box]] = []
        boxes = [(p, Box(*p.quad.min(0).tolist(), *p.quad.max(0).tolist())) for p in _comparable(group)]
        for one, box in sorted(boxes, key=lambda pair: pair[1].west):
            open_ = [(p, b) for p, b in open_ if b.east > box.west]
            near = [p for p, b in open_ if b.north > box.south and b.south < box.north]
            found += [(p, one) for p in near if _leaks(p, one) and p.scene != one.scene and meet(p, one)]
            open_.append((one, box))
    return found


def _leaks(one: Ground, other: Ground) -> bool:
    """Whether what is learned in one of two areas would be known in the other."""
    return one.split != other.split and {one.split, other.split} != set(LEARNED)


def meet(one: Ground, other: Ground) -> bool:
    """Whether two areas overlap by more than a pixel: no line lies between them (separating axes)."""
    margin = max(one.pixel, other.pixel)
    return all(overlap > margin for overlap in _overlaps(one.quad, other.quad))


def _overlaps(one: Quad, other: Quad) -> Iterator[float]:
    """How far two quads overlap along the normals of their sides, in map units; negative if apart."""
    for quad in (one, other):
        for side in np.diff(quad[:3], axis=0):
            normal = np.array([-side[1], side[0]]) / np.linalg.norm(side)
            a, b = one @ normal, other @ normal
            yield float(min(a.max(), b.max()) - max(a.min(), b.min()))


def _comparable(places: Sequence[Ground]) -> list[Ground]:
    """The places in one coordinate system: their own, if all have the same, or longitude and latitude."""
    if len({p.crs for p in places}) <= 1:
        return list(places)
    return [p for p in map(_geographic, places) if p is not None]


def _geographic(place: Ground) -> Ground | None:
    try:
        quad = np.transpose(warped(place.crs, "EPSG:4326", *place.quad.T))
    except RasterioError:  # a local system, or another planet
        return None
    if not np.isfinite(quad).all():
        return None
    quad[:, 0] = np.unwrap(quad[:, 0], period=360)
    scale = np.linalg.norm(np.diff(quad[:3], axis=0), axis=1) / np.linalg.norm(
        np.diff(place.quad[:3], axis=0), axis=1
    )
    return place._replace(quad=quad, pixel=place.pixel * float(scale.max()))

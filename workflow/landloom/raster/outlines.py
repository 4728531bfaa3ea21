"""Regions of a mask as one ring each: holes are joined to the outer ring by slits of no width."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import shapes

from landloom.raster.labels import IGNORE

Ring = NDArray[np.float64]
"""Corners (n, 2) as x and y in pixels from the upper left corner of a mask; the last joins the first."""
Detour = tuple[int, float, Ring]
"""Corner after which, and height at which, a ring is left for a hole, and the way to the hole and back."""
SLIT = 0.25
"""Where a slit leaves the edge of a pixel: off its corners and off its centre, so that a slit meets no other
corner, and fills of pixels by their centres do not see it."""


def outlines(mask: NDArray[np.uint8]) -> Iterator[tuple[int, Ring]]:
    """Yield class and ring of each region of a mask (H, W); pixels join along their sides.

    Ignored pixels are in no region. A region's outer ring and its holes run in opposite directions.
    """
    for found, value in shapes(mask, mask=mask != IGNORE, connectivity=4):
        yield int(value), _joined(found["coordinates"])


def area(ring: Ring) -> float:
    """Area in square pixels; negative if the ring runs the other way around."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _joined(closed: Sequence[Any]) -> Ring:
    """One ring of an outer ring and its holes, each of which is closed."""
    outer, *holes = (np.array(ring[:-1], np.float64) for ring in closed)
    rings = [outer if area(outer) > 0 else outer[::-1], *map(_turned, holes)]
    sides = _sides(rings) if holes else {}
    detours: list[list[Detour]] = [[] for _ in rings]
    # From right to left: slits run to the left, so all that hangs on a hole is there before the hole itself.
    for i in sorted(range(1, len(rings)), key=lambda i: -rings[i][0, 0]):
        x, y = rings[i][0, 0], min(rings[i][[0, -1], 1])
        left = x - 1
        while (left, y) not in sides:
            left -= 1
        there, back = [(left, y + SLIT), (x, y + SLIT)], [(x, y + SLIT), (left, y + SLIT)]
        ring, corner = sides[left, y]
        detours[ring].append((corner, y, np.concatenate([there, _walk(rings[i], detours[i]), back])))
    return _walk(rings[0], detours[0])


def _turned(hole: Ring) -> Ring:
    """A hole that runs as holes do, and whose last corner and first are the ends of a leftmost edge."""
    hole = hole if area(hole) < 0 else hole[::-1]
    upright = hole[:, 0] == np.roll(hole, -1, 0)[:, 0]
    return np.roll(hole, -1 - int(np.where(upright, hole[:, 0], np.inf).argmin()), 0)


def _sides(rings: Sequence[Ring]) -> dict[tuple[float, float], tuple[int, int]]:
    """Ring and corner before each upright side of a pixel on the rings, by x and the upper y."""
    found: dict[tuple[float, float], tuple[int, int]] = {}
    for i, ring in enumerate(rings):
        ends = np.roll(ring, -1, 0)
        for corner in np.flatnonzero(ring[:, 0] == ends[:, 0]):
            a, b = sorted((ring[corner, 1], ends[corner, 1]))
            for y in range(int(a), int(b)):
                found[float(ring[corner, 0]), float(y)] = (i, int(corner))
    return found


def _walk(ring: Ring, detours: Sequence[Detour]) -> Ring:
    """A ring with its detours, in the order in which they are met.

    An edge with its region on the right of the picture runs up, on outer rings and on holes.
    """
    parts, last = [], 0
    for corner, _, way in sorted(detours, key=lambda d: (d[0], -d[1])):
        parts += [ring[last : corner + 1], way]
        last = corner + 1
    return np.concatenate([*parts, ring[last:]])

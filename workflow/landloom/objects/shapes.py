"""Boxes with four corners, clockwise as one sees the picture (y points down), in pixels."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Quad = NDArray[np.float64]
"""Corners (4, 2), x and y."""


def box(x: float, y: float, width: float, height: float) -> Quad:
    """A box along rows and columns from its upper left corner, which comes first."""
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float64)


def around(points: ArrayLike) -> Quad:
    """The box along rows and columns around points (N, 2)."""
    found = np.asarray(points, np.float64)
    (x, y), (right, bottom) = found.min(0), found.max(0)
    return box(x, y, right - x, bottom - y)


def rectangle(points: ArrayLike) -> Quad:
    """The smallest rectangle at any angle around points (N, 2); the first corner is the uppermost one."""
    found = np.asarray(points, np.float64)
    turned = shapely.oriented_envelope(shapely.multipoints(found))
    if turned.geom_type != "Polygon":  # all points on a line
        return around(found)
    quad = clockwise(np.asarray(turned.exterior.coords)[:4])
    first = min(range(4), key=lambda i: (round(quad[i, 1], 6), quad[i, 0]))
    return np.roll(quad, -first, 0)


def clockwise(quad: Quad) -> Quad:
    """The same corners, the first one first, clockwise."""
    return quad if signed_area(quad) >= 0 else quad[[0, 3, 2, 1]]


def signed_area(quads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of (..., 4, 2), above 0 where corners run clockwise."""
    following = np.roll(quads, -1, -2)
    return np.asarray((quads[..., 0] * following[..., 1] - following[..., 0] * quads[..., 1]).sum(-1) / 2)


def hull_area(quad: Quad) -> float:
    """Area of the smallest convex shape around the corners."""
    return float(shapely.area(shapely.convex_hull(shapely.multipoints(quad))))


def crosses_itself(quad: Quad) -> bool:
    """Whether two opposite sides meet: corners are then not in order."""
    return not shapely.polygons(quad).is_valid


def shares_within(quads: NDArray[np.float64], part: Sequence[float]) -> NDArray[np.float64]:
    """Share (N,) of the area of each of (N, 4, 2) that lies in a part: left, top, right, bottom."""
    polygons = shapely.polygons(quads)
    inside = shapely.area(shapely.intersection(polygons, shapely.box(*part)))
    return np.asarray(inside / np.maximum(shapely.area(polygons), 1e-12))

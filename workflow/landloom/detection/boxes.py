"""Boxes of objects: from corners to centre, sides and angle and back, and how much they overlap.

A box is six numbers: x and y of its centre, its long and its short side (pixels), and sine and cosine of
twice the angle of its long side, which are the same for both directions of it. The angle runs from x to y.
Level boxes have width and height in place of the sides, and an angle of 0.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from landloom.data.objects import Object

Kind = Literal["rotated", "horizontal"]
"""'rotated' boxes stand at an angle, 'horizontal' ones are level."""
Array = NDArray[np.float64]


class Found(NamedTuple):
    """Boxes in one image.

    Attributes:
        corners: (N, 4, 2), pixels.
        categories: class of each (N,).
        scores: 0 to 1 (N,), from the highest.
    """

    corners: Array
    categories: NDArray[np.int64]
    scores: Array

    def at(self, chosen: NDArray[Any]) -> "Found":
        """Some of them."""
        return Found(*(part[chosen] for part in self))


def quads(objects: Sequence[Object]) -> Array:
    """Corners (N, 4, 2) of objects."""
    return np.array([o.quad() for o in objects], np.float64).reshape(-1, 4, 2)


def boxes(corners: Array, kind: Kind) -> Array:
    """Boxes (N, 6) of ordered corners (N, 4, 2).

    A quadrangle that is no rectangle gets the mean of its opposite sides. Level boxes hold all four corners.
    """
    if kind == "horizontal":
        low, high = corners.min(1), corners.max(1)
        level = np.broadcast_to([0.0, 1.0], low.shape)
        return np.concatenate([(low + high) / 2, high - low, level], 1)
    one = (corners[:, 1] - corners[:, 0] + corners[:, 2] - corners[:, 3]) / 2
    other = (corners[:, 2] - corners[:, 1] + corners[:, 3] - corners[:, 0]) / 2
    sides = np.stack([np.hypot(*one.T), np.hypot(*other.T)], 1)
    direction = np.where((sides[:, 0] >= sides[:, 1])[:, None], one, other)
    twice = 2 * np.arctan2(direction[:, 1], direction[:, 0])
    ordered = [corners.mean(1), sides.max(1, keepdims=True), sides.min(1, keepdims=True)]
    return np.concatenate([*ordered, np.sin(twice)[:, None], np.cos(twice)[:, None]], 1)


def corners(found: NDArray[np.floating[Any]]) -> Array:
    """Ordered corners (N, 4, 2) of boxes (N, 6); sine and cosine need not be of length one."""
    given = np.asarray(found, np.float64)
    angle = np.arctan2(given[:, 4], given[:, 5]) / 2
    along = np.stack([np.cos(angle), np.sin(angle)], 1) * given[:, 2:3] / 2
    across = np.stack([-np.sin(angle), np.cos(angle)], 1) * given[:, 3:4] / 2
    steps = np.stack([-along - across, along - across, along + across, across - along], 1)
    return np.asarray(given[:, None, :2] + steps)


def outline(found: Array, kind: Kind) -> Array:
    """What is scored of corners (N, 4, 2): themselves, or those of the level boxes around them."""
    return found if kind == "rotated" else corners(boxes(found, kind))


def overlaps(one: Array, other: Array) -> Array:
    """Intersection over union (N, M) of the outlines of corners (N, 4, 2) and (M, 4, 2)."""
    found = np.zeros((len(one), len(other)))
    pairs = touching(one, other)
    found[pairs] = shared(one[pairs[0]], other[pairs[1]])
    return found


def touching(one: Array, other: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of corners (N, 4, 2) and (M, 4, 2) whose level boxes touch: row and column of each."""
    a, b = (shapely.polygons(c) for c in (one, other))
    row, column = shapely.STRtree(b).query(a)
    return row, column


def shared(one: Array, other: Array) -> Array:
    """Intersection over union (N,) of the outlines of corners (N, 4, 2), pair by pair."""
    a, b = (shapely.convex_hull(shapely.polygons(c)) for c in (one, other))
    inner = shapely.area(shapely.intersection(a, b))
    union = shapely.area(a) + shapely.area(b) - inner
    return np.divide(inner, union, out=np.zeros_like(inner), where=union > 0)

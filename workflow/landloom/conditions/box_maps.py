"""Boxes of objects drawn as maps, by exact distances to their sides; any number of them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landloom.data.objects import Object

Array = NDArray[np.float64]
STEPS = 254
UNKNOWN = 255
SHARED = 3
"""Planes behind those of the classes: depth, and sine and cosine of twice the angle."""
REACH = 63
"""Pixels from the border from which on an object is as deep as can be."""
DECIMALS = 6
"""Of distances and areas that are compared, so that turned objects are drawn as their pixels turn."""


def drawn(objects: Sequence[Object], classes: int, size: int) -> NDArray[np.uint8]:
    """Maps (K + 3, H, W) of objects in a square of a side, in steps from 0 to 254.

    - One for each class: 1 inside of its objects, falling to 0 over one pixel outside of them.
    - Depth: distance d to the next border, as log2(1 + d) / 6, up to 63 pixels; 0 outside. Of two objects
      that overlap the smaller one is seen, and its border counts in both.
    - Sine and cosine of twice the angle of the long side, from x to y, of the object that is seen; 0 outside.
      They go from -1 to 1: the step 127 is 0.
    """
    soft, depth, angles = np.zeros((classes, size, size)), np.zeros((size, size)), np.zeros((2, size, size))
    for one in sorted(objects, key=lambda o: -area(o.quad())):
        corners = one.quad()
        # Farther away than the deepest place so far, no border changes the depth.
        here = around(corners, 1 + depth.max(), size)
        inner = distances(corners, *here)
        there, deep, inside = soft[one.category][here], depth[here], inner > 0
        np.maximum(there, np.clip(1 + inner, 0, 1), out=there)
        deep[:] = np.minimum(np.where(inside, inner, np.minimum(deep, -inner)), REACH)
        angles[:, *here] = np.where(inside, twice(corners)[:, None, None], angles[:, *here])
    depths = np.log2(1 + depth) / math.log2(1 + REACH)
    return np.rint(np.concatenate([soft, depths[None], (angles + 1) / 2]) * STEPS).astype(np.uint8)


def area(corners: Array) -> float:
    """Area of corners (4, 2)."""
    x, y = corners.T
    return round(abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))) / 2, DECIMALS)


def around(corners: Array, margin: float, size: int) -> tuple[slice, slice]:
    """Rows and columns of a square of a side that are nearer to corners (4, 2) than a margin."""
    low, high = corners.min(0) - margin, corners.max(0) + margin
    start, end = (np.clip(v, 0, size).astype(int) for v in (np.floor(low), np.ceil(high)))
    return slice(start[1], end[1]), slice(start[0], end[0])


def distances(corners: Array, rows: slice, cols: slice) -> Array:
    """Distance (h, w) of the centres of pixels to the border of corners (4, 2), below 0 outside of it."""
    y, x = np.mgrid[rows, cols] + 0.5
    ends = np.roll(corners, -1, 0)
    nearest, inside = np.full(y.shape, np.inf), np.zeros(y.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, ends, strict=True):
        across, down, right, below = x1 - x0, y1 - y0, x - x0, y - y0
        along = np.clip((right * across + below * down) / max(across**2 + down**2, 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.hypot(right - along * across, below - along * down))
        # A ray to the right leaves a shape through an odd number of sides. A corner is above or below it for
        # both of its sides, so corners themselves are compared, and no differences, which are rounded.
        crossed = (y >= y0) != (y >= y1)
        inside ^= crossed & ((right * down < below * across) == (down > 0))
    return np.asarray(np.round(np.where(inside, nearest, -nearest), DECIMALS))


def twice(corners: Array) -> Array:
    """Sine and cosine (2,) of twice the angle of the long side of corners (4, 2); the first one's if equal.

    Of a quadrangle that is no rectangle, opposite sides are taken as their mean.
    """
    one = corners[1] - corners[0] + corners[2] - corners[3]
    other = corners[2] - corners[1] + corners[3] - corners[0]
    longer = round(math.hypot(*one), DECIMALS) >= round(math.hypot(*other), DECIMALS)
    x, y = one if longer else other
    # Without angles, so that mirrors and quarter turns change signs and no digits.
    return np.array([2 * x * y, x * x - y * y]) / max(x * x + y * y, 1e-12)

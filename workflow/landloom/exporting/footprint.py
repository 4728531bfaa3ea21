"""Where a sample lies, in longitude and latitude: an outline and a box as GeoJSON (RFC 7946) wants them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.warp import transform

Ring = NDArray[np.float64]
"""Corners (n, 2) of longitude and latitude, not closed. Longitude runs on past 180 degrees."""
EDGE = np.linspace(0, 1, 5)
"""Where points lie along an edge: straight edges are curved in degrees, and a world map is 360 wide."""
FLAT = 1e-12
"""Square degrees below which an outline is a line."""


def ring(crs: str | None, place: Sequence[float] | None, shape: Sequence[int]) -> Ring | None:
    """Points along a raster's edges, counter-clockwise; None when its place on the Earth is not known.

    Args:
        crs: authority code or WKT.
        place: six affine coefficients, pixel to map.
        shape: rows and columns.
    """
    across, down = shape[1] * EDGE, shape[0] * EDGE
    points = [(x, shape[0]) for x in across] + [(shape[1], y) for y in down[::-1]]
    points += [(x, 0) for x in across[::-1]] + [(0, y) for y in down]
    found = degrees(crs, place, list(dict.fromkeys(points)))
    if found is None:
        return None
    found[:, 0] = np.unwrap(found[:, 0], period=360)
    turn = np.unwrap([found[-1, 0], found[0, 0]], period=360)[1] - found[0, 0]
    if abs(turn) > 180:  # the outline goes around a pole
        pole = np.copysign(90, found[0, 1])
        found = np.vstack([found, found[0] + [turn, 0], [found[0, 0] + turn, pole], [found[0, 0], pole]])
    if not _area(found):  # beyond the poles: pixels that were taken for degrees
        return None
    return np.round(found if _area(found) > 0 else found[::-1], 8)


def degrees(crs: str | None, place: Sequence[float] | None, points: ArrayLike) -> Ring | None:
    """Longitude and latitude of points (N, 2), x and y in pixels; None when their place is not known."""
    if not crs or place is None:
        return None
    corners = np.transpose([Affine(*place) @ (x, y) for x, y in np.asarray(points, np.float64)])
    try:
        found = np.transpose(transform(crs, "EPSG:4326", *corners))
    except (RasterioError, CPLE_BaseError):  # a local system, or another planet
        return None
    if not np.isfinite(found).all():  # beyond what the projection shows
        return None
    found[:, 1] = np.clip(found[:, 1], -90, 90)  # grids of pixel centres reach over the poles
    return np.asarray(found, np.float64)


def geometry(outline: Ring) -> dict[str, Any]:
    """A Polygon, or a MultiPolygon that is cut at 180 degrees."""
    first, last = (int(np.floor((v + 180) / 360)) for v in _span(outline))
    parts = [_strip(outline, world * 360) for world in range(first, last + 1)]
    kept = [p for p in parts if _area(p) > FLAT] or parts[:1]  # an edge on 180 degrees is no part
    rings = [[*part.tolist(), part[0].tolist()] for part in kept]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings}
    return {"type": "MultiPolygon", "coordinates": [[r] for r in rings]}


def box(outline: Ring) -> list[float]:
    """West, south, east and north in degrees; west is above east when the outline crosses 180 degrees."""
    west, east = _span(outline)
    south, north = outline[:, 1].min(), outline[:, 1].max()
    if east - west > 360 - 1e-6:
        west, east = -180.0, 180.0
    sides = (_wrapped(west, -180.0), south, _wrapped(east, 180.0), north)
    return [round(float(v), 8) for v in sides]


def _span(outline: Ring) -> tuple[float, float]:
    """Least and greatest longitude."""
    return float(outline[:, 0].min()), float(outline[:, 0].max())


def _wrapped(longitude: float, edge: float) -> float:
    """A longitude from -180 to 180; ``edge`` says which of the two 180 degrees is."""
    found = (longitude + 180) % 360 - 180
    return edge if np.isclose(abs(found), 180, rtol=0, atol=1e-9) else found


def _strip(outline: Ring, middle: float) -> Ring:
    """The part of an outline within 180 degrees of a longitude, moved to -180 to 180."""
    moved = outline - [middle, 0]
    return np.round(_half(-_half(-moved, 180), 180), 8)


def _half(outline: Ring, limit: float) -> Ring:
    """The part of an outline with a first coordinate up to a limit (Sutherland and Hodgman)."""
    kept: list[NDArray[np.float64]] = []
    for a, b in zip(outline, np.roll(outline, -1, 0), strict=True):
        if a[0] <= limit:
            kept.append(a)
        if (a[0] < limit) != (b[0] < limit) and limit not in (a[0], b[0]):
            kept.append(a + (b - a) * (limit - a[0]) / (b[0] - a[0]))
    return np.array(kept).reshape(-1, 2)


def _area(outline: Ring) -> float:
    after = np.roll(outline, -1, 0)
    return float((outline[:, 0] * after[:, 1] - after[:, 0] * outline[:, 1]).sum() / 2)

"""Draws a map onto the grid of a tile: one band for each class of its legend, with soft edges."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform as project

from landloom.errors import InputError
from landloom.raster import map_features
from landloom.raster.acquisition import PSEUDO_MERCATOR, degree
from landloom.raster.map_features import MapFeatures
from landloom.raster.map_legend import MapLegend
from landloom.raster.vectors import Bounds
from landloom.runtime.importing import importing

FINER = 4
"""Cells per side of a pixel that are drawn, and then averaged."""
STEPS = 254
"""A pixel that a class covers wholly; 0 is none of it."""
UNKNOWN = 255
"""A pixel outside of what the map knows, in all bands."""


class MapDrawing:
    """The map of one scene, ready to be drawn tile by tile.

    Args:
        features: what to draw, in this order.
        legend: classes and widths.
        metres: length of a unit of the map, to the east and to the north, in metres.
        side: of a pixel, in metres: a line is drawn at least as wide as a cell, for it would fall into dots.
        extent: polygon of the ground that is known; None for all of it.
    """

    def __init__(
        self, features: MapFeatures, legend: MapLegend, metres: tuple[float, float], side: float, extent: Any
    ) -> None:
        with importing():
            import shapely
        wide = np.array([max(e.width or 0, side / FINER) for e in legend.entries])[features.entries]
        self.shapes = widened(features.shapes, wide, metres)
        index = [legend.classes.index(e.name) + 1 for e in legend.entries]
        self.classes = np.array(index, np.uint8)[features.entries]
        self.count, self.extent = len(legend.classes), extent
        self.tree = shapely.STRtree(self.shapes)

    def __call__(self, transform: Affine, height: int, width: int) -> NDArray[np.uint8] | None:
        """Share of each class (K, H, W) in steps of 1/254, 255 where nothing is known; None if that is all.

        What is drawn later covers what is below, so the shares of a pixel add up to one at most. A pixel of
        a line at the border of what is known is known, too.
        """
        found = shares(self._cells(transform, height, width), self.count)
        if self.extent is None:
            return found
        inside = rasterize([(self.extent, 1)], (height, width), transform=transform, dtype="uint8")
        known = (inside > 0) | found.any(0)
        return np.where(known, found, np.uint8(UNKNOWN)) if known.any() else None

    def _cells(self, transform: Affine, height: int, width: int) -> NDArray[np.uint8]:
        """Class of each cell, counted from 1; 0 where nothing is drawn."""
        where = self.tree.query(corners(transform, height, width), predicate="intersects")
        cells = np.zeros((height * FINER, width * FINER), np.uint8)
        if len(where):
            drawn = ((self.shapes[i], int(self.classes[i])) for i in np.sort(where))
            rasterize(drawn, out=cells, transform=transform @ Affine.scale(1 / FINER))
        return cells


def prepared(
    path: Path, layer: str | None, legend: MapLegend, crs: str, grid: tuple[Affine, int, int], whole: bool
) -> tuple[MapDrawing, MapFeatures]:
    """The map of a scene, and the features that it is drawn from.

    Args:
        path: of its source.
        layer: of the source; all when None.
        legend: what to draw.
        crs: of the scene.
        grid: pixel to map, height and width of the scene.
        whole: whether the source knows all of the scene, or only the extent of its features.

    Raises:
        InputError: see ``map_features.read``.
    """
    transform, height, width = grid
    metres = units(crs, transform @ (width / 2, height / 2))
    side = float(np.sqrt(abs(transform.determinant) * metres[0] * metres[1]))
    reach = max(e.width or 0 for e in legend.entries) / 2 + side
    features = map_features.read(path, layer, legend, around(transform, height, width, metres, reach), crs)
    extent = None if whole else map_features.extent(path, layer, crs)
    if extent is None and not whole:
        raise InputError(
            path, "holds no feature, so what it knows cannot be told", "Give a map with features"
        )
    return MapDrawing(features, legend, metres, side, extent), features


def shares(cells: NDArray[np.uint8], classes: int) -> NDArray[np.uint8]:
    """Share (K, H, W) of the cells of each pixel that have a class, counted from 1, in steps of 1/254."""
    height, width = (side // FINER for side in cells.shape)
    blocks = cells.reshape(height, FINER, width, FINER)
    counts = np.stack([(blocks == k).sum((1, 3)) for k in range(1, classes + 1)])
    return np.rint(counts * (STEPS / FINER**2)).astype(np.uint8)


def widened(shapes: NDArray[Any], wide: NDArray[np.float64], metres: tuple[float, float]) -> NDArray[Any]:
    """Lines and points as areas of some width in metres, with round ends; areas as they are."""
    import shapely

    found, thin = shapes.copy(), shapely.get_dimensions(shapes) < 2
    if thin.any():
        unit = np.array(metres)
        flat = shapely.transform(shapes[thin], lambda xy: xy * unit)
        found[thin] = shapely.transform(shapely.buffer(flat, wide[thin] / 2), lambda xy: xy / unit)
    return found


def corners(transform: Affine, height: float, width: float) -> Any:
    """The ground of a raster, as a polygon."""
    import shapely

    return shapely.Polygon([transform @ p for p in ((0, 0), (width, 0), (width, height), (0, height))])


def units(crs: str, point: tuple[float, float]) -> tuple[float, float]:
    """Length in metres of a unit of a map at a point of it, to the east and to the north.

    Degrees are measured on the ellipsoid of WGS84; the metre of web maps is one at the equator alone.
    """
    system = CRS.from_user_input(crs)
    if system.is_geographic:
        return degree(point[1])
    factor = float(system.linear_units_factor[1])
    if system.to_epsg() == PSEUDO_MERCATOR:
        _, (lat,) = project(system, CRS.from_epsg(4326), [point[0]], [point[1]])
        factor *= float(np.cos(np.radians(lat)))
    return factor, factor


def around(transform: Affine, height: int, width: int, metres: tuple[float, float], reach: float) -> Bounds:
    """Bounds of a raster, and as many metres around it as what is drawn reaches."""
    points: Sequence[tuple[float, float]] = [
        transform @ p for p in ((0, 0), (width, 0), (width, height), (0, height))
    ]
    (west, south), (east, north) = np.min(points, 0), np.max(points, 0)
    x, y = reach / metres[0], reach / metres[1]
    return float(west - x), float(south - y), float(east + x), float(north + y)

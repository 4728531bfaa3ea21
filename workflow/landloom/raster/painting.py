"""Masks that are painted from corners, where there is no mask file."""

from collections import Counter
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.windows import Window as Slice

from landloom.raster.label_files import Labels


class Painting(Labels):
    """Quadrilaterals over a ground of zeros; of two that meet in a pixel the smaller one shows.

    Args:
        corners: (N, 4, 2) x and y, pixels of the scene, the largest quadrilateral first.
        values: of each one (N,).
    """

    rasters = ()

    def __init__(self, corners: NDArray[np.float64], values: NDArray[np.uint8]) -> None:
        self.corners, self.values = corners, values

    @classmethod
    def of(cls, corners: NDArray[np.float64], values: NDArray[np.uint8]) -> Self:
        """From quadrilaterals (N, 4, 2) in any order."""
        following = np.roll(corners, -1, 1)
        crosses = corners[..., 0] * following[..., 1] - following[..., 0] * corners[..., 1]
        order = np.argsort(-np.abs(crosses.sum(1)), kind="stable")
        return cls(corners[order], values[order])

    def read(self, part: Slice) -> tuple[NDArray[np.uint8], Counter[float]]:
        """Values (h, w) of the pixels of a part whose centres are covered, 0 elsewhere; none is unknown."""
        start = np.array([part.col_off, part.row_off])
        end = start + np.array([part.width, part.height])
        near = ((self.corners.max(1) > start) & (self.corners.min(1) < end)).all(1)
        shapes = [
            ({"type": "Polygon", "coordinates": [[*quad.tolist(), quad[0].tolist()]]}, int(value))
            for quad, value in zip(self.corners[near], self.values[near], strict=True)
        ]
        sides = (int(part.height), int(part.width))
        if not shapes:
            return np.zeros(sides, np.uint8), Counter()
        place = Affine.translation(part.col_off, part.row_off)
        return np.asarray(rasterize(shapes, sides, transform=place, dtype="uint8")), Counter()

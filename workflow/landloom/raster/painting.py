"""Masks that are painted from corners, where there is no mask file."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.windows import Window as Slice


@dataclass(frozen=True)
class Painting:
    """Quadrilaterals over a ground of zeros; of two that meet in a pixel the smaller one shows.

    Attributes:
        corners: (N, 4, 2) x and y, pixels of the scene, the largest quadrilateral first.
        values: of each one (N,).
    """

    corners: NDArray[np.float64]
    values: NDArray[np.uint8]

    @classmethod
    def of(cls, corners: NDArray[np.float64], values: NDArray[np.uint8]) -> Self:
        """From quadrilaterals (N, 4, 2) in any order."""
        following = np.roll(corners, -1, 1)
        crosses = corners[..., 0] * following[..., 1] - following[..., 0] * corners[..., 1]
        order = np.argsort(-np.abs(crosses.sum(1)), kind="stable")
        return cls(corners[order], values[order])

    def read(self, part: Slice) -> NDArray[np.uint8]:
        """Values (h, w) of the pixels of a part whose centres are covered; 0 elsewhere."""
        start = np.array([part.col_off, part.row_off])
        end = start + np.array([part.width, part.height])
        near = ((self.corners.max(1) > start) & (self.corners.min(1) < end)).all(1)
        shapes = [
            ({"type": "Polygon", "coordinates": [[*quad.tolist(), quad[0].tolist()]]}, int(value))
            for quad, value in zip(self.corners[near], self.values[near], strict=True)
        ]
        sides = (int(part.height), int(part.width))
        if not shapes:
            return np.zeros(sides, np.uint8)
        place = Affine.translation(part.col_off, part.row_off)
        return np.asarray(rasterize(shapes, sides, transform=place, dtype="uint8"))

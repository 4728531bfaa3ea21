"""Is an image new, and is it like a real one? Distances to real tiles in the features of a named extractor.

Both are calibrated on real tiles themselves: how near is a real tile to its nearest real neighbour,
itself left out? Tiles that overlap share pixels: they are no neighbours here, or copies would look normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landloom.data.samples import Sample


@dataclass(frozen=True)
class Place:
    """Where a tile was cut."""

    id: str
    scene: str
    row: int
    col: int

    @classmethod
    def of(cls, sample: Sample) -> "Place":
        """Place of a tile."""
        return cls(sample.id, sample.scene, sample.row, sample.col)


BLOCK = 1024
"""Tiles that are compared with all others at once."""


def overlapping(places: Sequence[Place], size: int, part: slice = slice(None)) -> NDArray[np.bool_]:
    """Which of N tiles of ``size`` pixels share pixels, (N, N) or some rows of it; each does with itself."""
    scene = np.unique([p.scene for p in places], return_inverse=True)[1]
    row, col = (np.array([getattr(p, k) for p in places]) for k in ("row", "col"))
    near = (np.abs(row[part, None] - row) < size) & (np.abs(col[part, None] - col) < size)
    own = np.arange(len(places))
    return np.asarray(near & (scene[part, None] == scene) | (own[part, None] == own))


@dataclass(frozen=True)
class Neighbour:
    """A sample's nearest real tile, and how far it is.

    Attributes:
        id: the tile.
        distance: Euclidean, in the extractor's features.
        rank: share of real tiles nearer to their own nearest neighbour (0: nearer than all); NaN when all
            of them overlap.
        realism: largest ratio of a real tile's distance to its neighbour over its distance to the sample; 1
            and above lies among the real ones (Kynkaanniemi et al. 2019, realism score, with k = 1).
    """

    id: str
    distance: float
    rank: float
    realism: float


class Neighbours:
    """Real train tiles in feature space.

    Args:
        features: (N, D).
        places: where the N tiles were cut.
        size: side of a tile in pixels.
    """

    def __init__(self, features: Tensor, places: Sequence[Place], size: int) -> None:
        self.features, self.ids = features.double(), [p.id for p in places]
        parts = [slice(i, i + BLOCK) for i in range(0, len(places), BLOCK)]
        radii = [self._radii(part, overlapping(places, size, part)) for part in parts]
        self.radii = torch.cat([*radii, self.features.new_empty(0)])
        self.known = self.radii[self.radii.isfinite()].sort().values

    def _radii(self, part: slice, overlap: NDArray[np.bool_]) -> Tensor:
        """Distance of some tiles to their nearest neighbour that shares no pixel with them."""
        apart = torch.cdist(self.features[part], self.features)
        return apart.masked_fill_(torch.from_numpy(overlap), torch.inf).min(1).values

    def nearest(self, features: Tensor) -> list[Neighbour]:
        """Nearest real tile of each sample (M, D)."""
        distances = torch.cdist(features.double(), self.features)
        near = distances.min(1)
        ranks = torch.searchsorted(self.known, near.values.contiguous()) / len(self.known)
        radii = self.radii.masked_fill(~self.radii.isfinite(), 0)
        realism = (radii / distances.clamp_min(1e-9)).max(1).values
        rows = zip(near.indices.tolist(), near.values.tolist(), ranks.tolist(), realism.tolist(), strict=True)
        return [Neighbour(self.ids[i], d, r, s) for i, d, r, s in rows]

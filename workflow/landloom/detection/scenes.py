"""Whole scenes out of tiles: each object on the ground counts once, however many tiles it lies in."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.detection.boxes import Array, Kind, outline, quads, touching
from landloom.detection.predict import Found

SAME = 0.5
"""Intersection over union from which boxes of one class, found in two tiles, are one object."""


@dataclass
class SceneBoxes:
    """Objects of a scene and what was found of them, in pixels of the scene.

    Attributes:
        objects: all that its tiles hold, each once.
        found: what was found, by tile.
    """

    objects: dict[tuple[int, ...], Object] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)

    def add(self, sample: Sample, found: Found) -> None:
        """Add a tile; an object in two tiles has the same corners in both, to a hundredth of a pixel."""
        corner = np.array([sample.col, sample.row], np.float64)
        for one in sample.objects or []:
            there = (one.quad() + corner).ravel()
            key = (one.category, *np.rint(there * 100).astype(int).tolist())
            self.objects.setdefault(key, Object(one.category, there.tolist(), one.difficult))
        self.found.append(found._replace(corners=found.corners + corner))

    def truth(self, kind: Kind) -> tuple[Array, NDArray[np.int64], NDArray[np.bool_]]:
        """Corners (N, 4, 2), classes (N,), and which are left out of scores (N,)."""
        rows = list(self.objects.values())
        categories = np.array([o.category for o in rows], np.int64)
        return outline(quads(rows), kind), categories, np.array([o.difficult for o in rows], np.bool_)

    def merged(self) -> Found:
        """What was found, best first; what was found in several tiles is there once, with its best score."""
        parts = [np.concatenate(part) for part in zip(*self.found, strict=True)]
        tile = np.repeat(np.arange(len(self.found)), [len(f.scores) for f in self.found])
        order = np.argsort(-parts[2], kind="stable")
        every, tile = Found(*parts).at(order), tile[order]
        if len(self.found) == 1:
            return every
        one, other, shared = touching(every.corners, every.corners)
        twice = (shared > SAME) & (tile[one] != tile[other]) & (one < other)
        twice &= every.categories[one] == every.categories[other]
        kept = np.ones(len(tile), np.bool_)
        # From the best on: what was dropped drops no other.
        for i, j in sorted(zip(one[twice].tolist(), other[twice].tolist(), strict=True)):
            kept[j] &= not kept[i]
        return every.at(kept)


def scenes(tiles: Iterable[tuple[Sample, Found]]) -> dict[str, SceneBoxes]:
    """Scenes by name, in the order of their first tile."""
    found: dict[str, SceneBoxes] = {}
    for sample, boxes in tiles:
        found.setdefault(sample.scene, SceneBoxes()).add(sample, boxes)
    return found

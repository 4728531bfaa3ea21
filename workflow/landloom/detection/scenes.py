"""Whole scenes out of tiles: each object on the ground counts once, however many tiles it lies in."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.detection.boxes import Array, Found, Kind, outline, quads, shared, touching

SAME = 0.5
"""Intersection over union from which boxes of one class, found in two tiles, are one object."""


@dataclass
class SceneBoxes:
    """Objects of a scene and what was found of them, in pixels of the scene.

    Attributes:
        objects: all that its tiles hold, each once, with the number of its first tile.
        found: what was found, by tile.
        tiles: names of the tiles.
    """

    objects: dict[tuple[int, ...], tuple[Object, int]] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    tiles: list[str] = field(default_factory=list)

    def add(self, sample: Sample, found: Found) -> None:
        """Add a tile; an object in two tiles has the same corners in both, to a hundredth of a pixel."""
        corner = np.array([sample.col, sample.row], np.float64)
        for one in sample.objects or []:
            there = (one.quad() + corner).ravel()
            key = (one.category, *np.rint(there * 100).astype(int).tolist())
            known = Object(one.category, there.tolist(), one.difficult)
            self.objects.setdefault(key, (known, len(self.tiles)))
        self.tiles.append(sample.id)
        self.found.append(found._replace(corners=found.corners + corner))

    def truth(self, kind: Kind) -> tuple[Array, NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """Corners (N, 4, 2), classes, which are left out of scores, and tile of its objects, each (N,)."""
        rows = [o for o, _ in self.objects.values()]
        categories, difficult = ([getattr(o, k) for o in rows] for k in ("category", "difficult"))
        tile = np.array([i for _, i in self.objects.values()], np.int64)
        return outline(quads(rows), kind), np.array(categories, np.int64), np.array(difficult, bool), tile

    def merged(self) -> tuple[Found, NDArray[np.int64]]:
        """What was found, best first, and the tile of each (N,).

        What was found in several tiles is there once, with its best score.
        """
        parts = [np.concatenate(part) for part in zip(*self.found, strict=True)]
        tile = np.repeat(np.arange(len(self.found)), [len(f.scores) for f in self.found])
        order = np.argsort(-parts[2], kind="stable")
        every, tile = Found(*parts).at(order), tile[order]
        one, other = touching(every.corners, every.corners)
        alike = (every.categories[one] == every.categories[other]) & (tile[one] != tile[other])
        one, other = (index[alike & (one < other)] for index in (one, other))
        twice = shared(every.corners[one], every.corners[other]) > SAME
        kept = np.ones(len(tile), np.bool_)
        # From the best on: what was dropped drops no other.
        for i, j in sorted(zip(one[twice].tolist(), other[twice].tolist(), strict=True)):
            kept[j] &= not kept[i]
        return every.at(kept), tile[kept]


def scenes(tiles: Iterable[tuple[Sample, Found]]) -> dict[str, SceneBoxes]:
    """Scenes by name, in the order of their first tile."""
    found: dict[str, SceneBoxes] = {}
    for sample, boxes in tiles:
        found.setdefault(sample.scene, SceneBoxes()).add(sample, boxes)
    return found

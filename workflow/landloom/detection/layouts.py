"""Layouts: where objects stand in a tile that does not exist, drawn from real ones.

A layout is a real train tile's, turned by one of the eight symmetries of the square, each object moved and
turned a little. Objects that are asked for beside these have the shape of a real one of their class, and
stand as far from another of the class as real ones do. What does not fit is counted, never left out in
silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.data.symmetry import turn_points
from landloom.detection.boxes import Array, overlaps, quads

SHIFT = 0.1
"""Standard deviation of the shift of an object, of its short side."""
TURN = np.deg2rad(5)
"""Standard deviation of its turn, radians; level boxes are not turned."""
TRIES = 100
"""Places that are tried for an object."""

Layout = list[Object]


@dataclass
class Layouts:
    """Draws layouts.

    Args:
        tiles: real train tiles with at least one object.
        size: of a tile, pixels.
        boost: how many times as many objects of a class are wanted, by class index.
        overlap: intersection over union of two objects that is allowed, beside what real ones have.

    Attributes:
        asked: objects that layouts were to hold so far.
        lacking: how many of them found no place.
    """

    tiles: Sequence[Sample]
    size: int
    boost: Mapping[int, float]
    overlap: float
    asked: int = 0
    lacking: int = 0
    shapes: dict[int, list[Object]] = field(init=False)
    gaps: dict[int, Array] = field(init=False)
    level: bool = field(init=False)

    def __post_init__(self) -> None:
        every = [o for tile in self.tiles for o in tile.objects or []]
        self.shapes = {c: [o for o in every if o.category == c] for c in {o.category for o in every}}
        self.gaps = {c: self._gaps(c) for c in self.shapes}
        sides = np.abs(np.diff(quads(every), axis=1))
        self.level = bool((sides.min(-1) < 1e-6).all())

    def draw(self, seed: int) -> tuple[Layout, Sample]:
        """A layout, and the tile that it began with."""
        rng = np.random.default_rng(seed)
        tile = self.tiles[int(rng.integers(len(self.tiles)))]
        found = [self._turned(o, int(v)) for v in [rng.integers(8)] for o in tile.objects or []]
        for i in range(len(found)):
            found[i] = self._moved(found, i, rng)
        for category, factor in sorted(self.boost.items()):
            found = self._boosted(found, category, factor, rng)
        self.asked += len(found)
        return found, tile

    def _turned(self, one: Object, variant: int) -> Object:
        corners = turn_points(torch.from_numpy(one.quad()), variant, self.size)
        return replace(one, corners=corners.flatten().tolist())

    def _moved(self, found: Layout, index: int, rng: np.random.Generator) -> Object:
        """An object of a layout in a new place near its own, if it meets no other more than before."""
        one, others = found[index], found[:index] + found[index + 1 :]
        corners = one.quad()
        short = np.hypot(*(corners[[1, 2]] - corners[[0, 1]]).T).min()
        limit = max(self.overlap, _most(one, others))
        for _ in range(5):
            shift, angle = rng.normal(0, SHIFT * short, 2), rng.normal(0, TURN)
            made = _placed(one, corners.mean(0) + shift, 0.0 if self.level else angle)
            if _most(made, others) <= limit and self._inside(made) == self._inside(one):
                return made
        return one

    def _boosted(self, found: Layout, category: int, factor: float, rng: np.random.Generator) -> Layout:
        """A layout with as many objects of a class as a factor asks for; the rest of a fraction by chance."""
        own = [i for i, o in enumerate(found) if o.category == category]
        wanted = int(factor * len(own) + rng.random())
        if wanted <= len(own):
            kept = set(rng.permutation(own)[:wanted].tolist())
            return [o for i, o in enumerate(found) if o.category != category or i in kept]
        result = list(found)
        for _ in range(wanted - len(own)):
            new = self._added(result, category, rng)
            if new is None:
                self.lacking += 1
                self.asked += 1
            else:
                result.append(new)
        return result

    def _added(self, found: Layout, category: int, rng: np.random.Generator) -> Object | None:
        """One more object of a class; None where no place was found."""
        shapes = self.shapes[category]
        near = quads([o for o in found if o.category == category]).mean(1)
        for _ in range(TRIES):
            shape = shapes[int(rng.integers(len(shapes)))]
            angle = 0.0 if self.level else rng.uniform(0, 2 * np.pi)
            centre, gap = self._beside(near, category, rng)
            made = _placed(replace(shape, difficult=False), centre, angle)
            free = not len(near) or np.linalg.norm(near - centre, axis=1).min() >= 0.99 * gap
            if free and self._inside(made) and _most(made, found) <= self.overlap:
                return made
        return None

    def _beside(self, near: Array, category: int, rng: np.random.Generator) -> tuple[Array, float]:
        """A place as far from one of the centres (N, 2) as real objects of the class have their nearest one.

        Anywhere in the tile, and no distance, where there are no such centres or distances.
        """
        gaps = self.gaps[category]
        if not len(near) or not len(gaps):
            return rng.uniform(0, self.size, 2), 0.0
        gap, direction = float(gaps[int(rng.integers(len(gaps)))]), rng.uniform(0, 2 * np.pi)
        step = gap * np.array([np.cos(direction), np.sin(direction)])
        return near[int(rng.integers(len(near)))] + step, gap

    def _inside(self, one: Object) -> bool:
        """Whether all of an object lies in the tile."""
        corners = one.quad()
        return bool((corners.min() >= 0) & (corners.max() <= self.size))

    def _gaps(self, category: int) -> Array:
        """Distances of the centres of all objects of a class to the nearest of the class in their tile."""
        found = [nearest([o for o in t.objects or [] if o.category == category]) for t in self.tiles]
        return np.concatenate([np.zeros(0), *found])


def nearest(objects: Sequence[Object]) -> Array:
    """Distance of the centre of each object to the nearest other one (N,); none for less than two."""
    if len(objects) < 2:
        return np.zeros(0)
    centres = quads(objects).mean(1)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(apart.min(1))


def _placed(one: Object, centre: Array, angle: float) -> Object:
    """An object at another centre, turned by an angle in radians from x to y."""
    corners = one.quad()
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return replace(one, corners=((corners - corners.mean(0)) @ turn + centre).ravel().tolist())


def _most(one: Object, others: Sequence[Object]) -> float:
    """The largest overlap of an object with others."""
    if not others:
        return 0.0
    return float(overlaps(quads([one]), quads(others)).max())

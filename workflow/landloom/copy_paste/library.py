"""Which pieces of which tiles: the train tiles by their masks alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landloom.config.image_sample import CollageConfig
from landloom.data import samples
from landloom.data.cells import CELLS, reduced
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.data.symmetry import turn
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE

TURNS = 8
SHARE = 4
"""A collage is chosen from one in so many of all turned tiles at most, or all seeds would choose the same."""
Mask = NDArray[np.uint8]
WHERE = ("id", "scene", "row", "col", "crs", "transform")


@dataclass(frozen=True)
class Piece:
    """A train tile, by its number, in one of its eight turns, and the part of the image that it may give.

    Attributes:
        tile: its number.
        variant: its turn.
        cut: normal (down, right) and offset of a line, in sides of the image: it gives what lies before.
    """

    tile: int
    variant: int
    cut: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def part(self, side: int) -> NDArray[np.bool_]:
        """Where it may give pixels or cells of a square (side, side)."""
        return along(self.cut[0], self.cut[1], side) <= self.cut[2]


def along(down: float, right: float, side: int) -> NDArray[np.float64]:
    """How far each pixel of a square (side, side) of side 1 lies in a direction."""
    at = (np.arange(side) + 0.5) / side
    return down * at[:, None] + right * at


class Library:
    """Train tiles, of which only masks in cells and places are held; images are read when they are chosen.

    Args:
        dataset: the dataset statistics.
        tiles: shards of tiles; val and test tiles are left out.
        config: how many candidates and pieces a collage has.

    Raises:
        InputError: there is no train tile.

    Attributes:
        ids: names of the N tiles.
        rows: their rows, counted over all shards.
        places: (N, 3): scene, row and column of their corners.
        cells: their masks (N, CELLS, CELLS).
        counts: pixels of each class (N, K).
    """

    def __init__(self, dataset: Statistics, tiles: Sequence[Path], config: CollageConfig) -> None:
        self.dataset, self.tiles, self.config = dataset, tiles, config
        found = list(masks(tiles))
        if not found:
            raise InputError(tiles[0].parent, "no train tile to cut from", "Look at check and tile")
        scenes = {scene: n for n, scene in enumerate(dict.fromkeys(t.scene for t in found))}
        self.ids, self.rows = [t.id for t in found], [t.number for t in found]
        self.places = np.array([(scenes[t.scene], t.row, t.col) for t in found])
        systems = {crs: n for n, crs in enumerate(dict.fromkeys(t.crs for t in found))}
        self.ground = np.array([(systems[t.crs], *bounds(t.transform, dataset.size)) for t in found])
        self.cells = np.stack([t.cells for t in found])
        self.counts = np.stack([t.counts for t in found])[:, : len(dataset.classes)]
        self.number = {name: n for n, name in enumerate(self.ids)}

    def chosen(self, sample: Sample, seed: int) -> list[Piece]:
        """Pieces for a mask: each the candidate that covers most of what is still open, in cells.

        Tiles that share pixels with a parent of the sample, whose mask it may have, are no candidates. A tile
        that has much of a class comes last, one for each class of the mask, for the pixels that are left.

        Raises:
            InputError: there is no other tile than the parents.
        """
        random, free = np.random.default_rng(seed), self._free(sample.parents)
        if not len(free):
            found = f"all train tiles share pixels with {', '.join(sample.parents)}, whose mask it has"
            raise InputError(sample.id, found, "Do without collages, or cut tiles from more scenes")
        count = min(self.config.candidates, -(-len(free) * TURNS // SHARE))
        drawn = random.choice(len(free) * TURNS, count, replace=False)
        mask = sample.mask_array()
        pieces = self._covering(reduced(mask), free[drawn // TURNS], drawn % TURNS, random)
        return pieces + self._rich(mask, free, random)

    def _covering(
        self, wanted: Mask, tiles: NDArray[np.int64], variants: NDArray[np.int64], random: np.random.Generator
    ) -> list[Piece]:
        """Pieces of some turned tiles that cover a mask in cells, the largest first, none above its share."""
        fits = np.empty((len(tiles), CELLS, CELLS), bool)
        for v in range(TURNS):
            cells = torch.from_numpy(self.cells[tiles[variants == v]])
            fits[variants == v] = turn(cells, v).numpy() == wanted
        open_, pieces = wanted != IGNORE, list[Piece]()
        most = max(1, int(self.config.share * open_.sum()))
        while open_.any() and len(pieces) < self.config.pieces:
            covered = (fits & open_).sum((1, 2))
            best = int(covered.argmax())
            if not covered[best]:
                break
            piece = Piece(int(tiles[best]), int(variants[best]))
            if covered[best] > most:
                piece = replace(piece, cut=line(fits[best] & open_, most, random.uniform(0, 2 * np.pi)))
            pieces.append(piece)
            open_ &= ~(fits[best] & piece.part(CELLS))
            fits[tiles == piece.tile] = False
        return pieces

    def _free(self, parents: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of the tiles that share no pixel, and no ground, with any of the parents.

        Scenes may show the same ground on two dates. Where a tile lies is known only if it is georeferenced.
        """
        taken = np.zeros(len(self.ids), bool)
        for number in (self.number[p] for p in parents if p in self.number):
            apart = np.abs(self.places - self.places[number])
            taken |= (apart[:, 0] == 0) & (apart[:, 1:] < self.dataset.size).all(1)
            taken |= overlapping(self.ground, self.ground[number])
        return np.flatnonzero(~taken)

    def _rich(self, mask: Mask, free: NDArray[np.int64], random: np.random.Generator) -> list[Piece]:
        """For each class of a mask, one of the tiles that have at least half of what the richest has."""
        found = []
        for k in np.unique(mask[mask != IGNORE]):
            counts = self.counts[free, k]
            if counts.any():
                found.append(Piece(int(random.choice(free[counts >= counts.max() / 2])), 0))
        return found


def bounds(transform: Sequence[float] | None, side: int) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a tile on its map; NaN where it is not georeferenced."""
    if transform is None:
        return (np.nan,) * 4
    a, b, c, d, e, f = transform
    corners = [(0, 0), (0, side), (side, 0), (side, side)]
    x, y = zip(*((a * i + b * j + c, d * i + e * j + f) for i, j in corners), strict=True)
    return min(x), max(x), min(y), max(y)


def overlapping(ground: NDArray[np.float64], one: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which tiles (N,), by their system and bounds (N, 5), share ground with one (5,).

    Boxes that only touch share none: a thousandth of their size is forgiven, for bounds are rounded.
    """
    least = 1e-3 * np.array([one[2] - one[1], one[4] - one[3]])
    shared = np.minimum(ground[:, [2, 4]], one[[2, 4]]) - np.maximum(ground[:, [1, 3]], one[[1, 3]])
    return np.asarray((ground[:, 0] == one[0]) & (shared > least).all(1))


def line(covered: NDArray[np.bool_], most: int, angle: float) -> tuple[float, float, float]:
    """The cut that lies at an angle and leaves about ``most`` of the covered cells (side, side)."""
    down, right = float(np.sin(angle)), float(np.cos(angle))
    far = np.sort(along(down, right, len(covered))[covered])
    return down, right, float(far[most - 1])


@dataclass(frozen=True)
class TileMask:
    """What is held of a train tile; ``number`` counts the rows of all shards, ``counts`` pixels by value."""

    id: str
    scene: str
    row: int
    col: int
    crs: str | None
    transform: list[float] | None
    number: int
    cells: Mask
    counts: NDArray[np.int64]


def masks(tiles: Sequence[Path]) -> Iterator[TileMask]:
    """Masks of the train tiles of shards, a shard at a time; images are not read."""
    before = 0
    for path in tiles:
        found = samples.columns([path], [*WHERE, "split", "mask"])
        for i, split in enumerate(found["split"]):
            if split == "train":
                mask = codec.decode(found["mask"][i])[0].astype(np.uint8)
                counts = np.bincount(mask.ravel(), minlength=IGNORE + 1)
                where = {k: found[k][i] for k in WHERE}
                yield TileMask(**where, number=before + i, cells=reduced(mask), counts=counts)
        before += len(found["split"])

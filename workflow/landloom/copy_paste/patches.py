"""Which turned train tile is laid over a cell of a scene, and where it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from landloom.copy_paste.library import TURNS, Mask
from landloom.copy_paste.maps import Maps
from landloom.copy_paste.quilting import Shares, cheapest, gap
from landloom.copy_paste.recipes import turned
from landloom.data import samples
from landloom.data.cells import reduced
from landloom.raster.labels import IGNORE

TILES = 1024
"""Tiles drawn at random for each cell."""
DRAWN = 0.75
"""Share of the tiles that is drawn where there are few: else all seeds would choose the same."""
NEAREST = 96
"""Of these, how many are tried in all turns: those whose middle is nearest to the class mix of the cell."""
TRIED = 24
"""Of these patches, how many are cut: those with a near mix that fit well on the whole."""
FIT = 0.05
"""How much of a class share it is worth, before it is cut, that a pixel of the overlap costs one less."""
SEAM = 0.05
"""The same for a pixel of the lines along which it is cut."""
EVERY = 2
"""Cells of reduced masks, of which one in so many each way is compared."""
HELD = 2**28
"""Bytes of decoded masks held at most."""
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Patch:
    """A train tile, by its number, in one of its turns, over a cell; and where it shows (S, S)."""

    row: int
    col: int
    tile: int
    variant: int
    take: NDArray[np.bool_]


@dataclass(frozen=True)
class Wanted:
    """What a patch must suit.

    Attributes:
        row: of its cell.
        col: of its cell.
        old: what is there (S, S), IGNORE where nothing is.
        target: class shares (K,) of the cell.
        parts: where in ``old`` which blocks lie, and their class shares (K,).
        seed: of the draw of tiles.
        beside: tiles of finished neighbours.
    """

    row: int
    col: int
    old: Mask
    target: Shares
    parts: Sequence[tuple[tuple[slice, slice], Shares]]
    seed: Sequence[int]
    beside: Sequence[int] = ()


class Patches:
    """Train tiles as patches.

    Args:
        maps: the tiles.
        margin: by how much a patch reaches over its cell.

    Attributes:
        middle: class shares (N, K) in the cell; no turn changes them.
        small: reduced masks (TURNS, N, cells) in each turn.
        places: scene, row and column (N, 3) of their corners.
    """

    def __init__(self, maps: Maps, margin: int) -> None:
        self.maps, self.margin = maps, margin
        self.mask = lru_cache(max(TRIED, HELD // maps.size**2))(maps.mask)
        self.places = places(maps)
        middle, small = [], []
        for mask in map(self.mask, range(len(maps.tiles))):
            middle.append(self.inside(mask[None])[0])
            small.append(coarse(mask))
        self.middle = np.stack(middle)
        self.small = np.stack([turned(np.stack(small), v).reshape(len(small), -1) for v in range(TURNS)])

    def inside(self, masks: NDArray[np.uint8]) -> Shares:
        """Class shares (N, K) of the cell in masks (N, S, S) of a cell and its margin."""
        cell = slice(self.margin, self.maps.size - self.margin)
        return shares(masks[:, cell, cell], len(self.maps.price))

    def chosen(self, wanted: Sequence[Wanted]) -> list[Patch]:
        """The best patch for each of some cells, which must be cut along the same sides.

        The fewer the sides, the more freely it is chosen: one that meets nothing is the nearest to its mix.
        """
        tried = [self.candidates(w) for w in wanted]
        new = np.concatenate([self.shown(*t) for t in tried])
        old = np.stack([w.old for w in wanted]).repeat([len(t) for t, _ in tried], 0)
        take, price = cut(
            old, new, sides_of(wanted[0].old, 2 * self.margin), 2 * self.margin, self.maps.price
        )
        made = np.where(take, new, old)
        found, start = [], 0
        for w, (tiles, variants) in zip(wanted, tried, strict=True):
            here = slice(start, start := start + len(tiles))
            off = sum(self.off(made[here], *part) for part in w.parts)
            best = int((off + SEAM * price[here]).argmin())
            found.append(Patch(w.row, w.col, int(tiles[best]), int(variants[best]), take[here][best]))
        return found

    def off(self, masks: NDArray[np.uint8], here: tuple[slice, slice], target: Shares) -> NDArray[np.float64]:
        """Mean distance (N,) of class shares to a target in a part of masks (N, S, S), times its size."""
        part = masks[:, *here]
        return gap(shares(part, len(target)), target) * (part[0].size / masks[0].size)

    def candidates(self, wanted: Wanted) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tiles and turns, two of (TRIED,), that have about the mix of a cell and fit what is there."""
        free = self.apart(wanted.beside)
        drawn = np.random.default_rng(list(wanted.seed)).permutation(free)
        drawn = drawn[: min(TILES, int(np.ceil(DRAWN * len(free))))]
        off = gap(self.middle[drawn], wanted.target)
        near = np.argsort(off, kind="stable")[:NEAREST]
        total = off[near] + FIT * self.unlike(wanted.old, drawn[near])
        variants, places = np.unravel_index(np.argsort(total, None, "stable")[:TRIED], total.shape)
        return drawn[near][places], variants

    def apart(self, others: Sequence[int]) -> NDArray[np.int64]:
        """Tiles that share no pixel with others, or all if none is left: repetitions catch the eye."""
        taken = np.zeros(len(self.places), bool)
        for place in self.places[list(others)]:
            away = np.abs(self.places - place)
            taken |= (away[:, 0] == 0) & (away[:, 1:] < self.maps.size).all(1)
        return np.arange(len(taken)) if taken.all() else np.flatnonzero(~taken)

    def unlike(self, old: Mask, tiles: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean price (TURNS, N) that what is there touches some tiles, as if each pixel were a border."""
        there = coarse(old).ravel()
        known = np.flatnonzero(there != IGNORE)
        if not len(known):
            return np.zeros((TURNS, len(tiles)))
        shown = self.small[:, tiles[:, None], known]
        return self.maps.price[there[known], shown].mean(2, dtype=np.float64)

    def shown(self, tiles: NDArray[np.int64], variants: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Turned masks (N, S, S)."""
        return np.stack([turned(self.mask(int(t)), int(v)) for t, v in zip(tiles, variants, strict=True)])


def shares(masks: NDArray[np.uint8], classes: int) -> Shares:
    """Class shares (N, K) of masks (N, H, W)."""
    pixels = masks.reshape(len(masks), -1)
    return np.stack([np.count_nonzero(pixels == k, 1) for k in range(classes)], 1) / max(pixels.shape[1], 1)


def places(maps: Maps) -> NDArray[np.int64]:
    """Number of the scene, row and column (N, 3) of each tile."""
    table = samples.columns(maps.shards, ["row", "col"])
    scenes = {scene: n for n, scene in enumerate(dict.fromkeys(t.scene for t in maps.tiles))}
    return np.array([(scenes[t.scene], table["row"][t.row], table["col"][t.row]) for t in maps.tiles])


def coarse(mask: Mask) -> Mask:
    """A mask in few cells."""
    return reduced(mask)[::EVERY, ::EVERY]


def sides_of(old: Mask, band: int) -> list[int]:
    """Sides along which all of a band is known in (S, S), see ``facing``."""
    return [side for side in range(4) if (facing(old, side)[:, :band] != IGNORE).all()]


def cut(
    old: NDArray[np.uint8],
    new: NDArray[np.uint8],
    sides: Sequence[int],
    band: int,
    price: NDArray[np.float32],
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where patches (N, S, S) show over what is there: within the cheapest line along each of some sides.

    Args:
        old: what is there (N, S, S).
        new: the patches.
        sides: along which sides to cut, see ``facing``; there, ``old`` is known.
        band: width of the band along a side in which the line lies.
        price: what it costs that two classes touch (K, K).

    Returns:
        Where they show (N, S, S), and the mean price (N,) of a pixel of their lines.
    """
    take, total = np.ones(new.shape, bool), np.zeros(len(new))
    for side in sides:
        before, after = (facing(x, side)[..., :band] for x in (old, new))
        cost, last = cheapest(price[before[..., :-1], after[..., 1:]])
        take &= facing(np.arange(new.shape[2]) > last[:, :, None], side)
        total += cost / new.shape[1]
    return take, total / max(len(sides), 1)


def facing(x: NDArray[T], side: int) -> NDArray[T]:
    """(..., S, S) with its left, right, upper or lower side (0 to 3) at the left; twice gives it back."""
    if side == 1:
        return x[..., ::-1]
    if side == 3:
        x = x[..., ::-1, ::-1]
    return x.swapaxes(-1, -2) if side >= 2 else x

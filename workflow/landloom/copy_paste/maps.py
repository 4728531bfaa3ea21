"""The masks of the train tiles, from which new ones are quilted."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from landloom.copy_paste.library import Mask
from landloom.data import samples
from landloom.data.batches import spread
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.raster.regions import borders_of

MOST = 4096
"""Train tiles whose encoded masks are held; of more, evenly spread ones are taken."""
WHOLE = 0.95
"""Share of pixels with a class from which a tile is taken, if such tiles hold all classes there are."""
STRIPS = 16
"""Parts of a tile in each direction, between which it may be cut."""
SIDES = 4
LOOKED = 512
"""Tiles, evenly spread, in which borders between classes are counted."""
UNSEEN = 1e-4
"""Share of all borders that stands for a pair of classes that never touch."""


@dataclass(frozen=True)
class Tile:
    """A train tile: its row, counted over all shards, its name, its scene and its mask."""

    row: int
    id: str
    scene: str
    encoded: bytes


@dataclass(frozen=True)
class Maps:
    """Train tiles by their masks.

    Attributes:
        shards: shards of tiles.
        tiles: the tiles.
        after: class shares (SIDES, N, STRIPS + 1, K), of all pixels, right of each cut through a tile that
            was turned by 2 * side.
        price: what it costs that two classes touch (K, K): 0 for the same, more the more seldom they do.
        size: side in pixels.
    """

    shards: Sequence[Path]
    tiles: Sequence[Tile]
    after: NDArray[np.float32]
    price: NDArray[np.float32]
    size: int

    @classmethod
    def of(cls, dataset: Statistics, tiles: Sequence[Path]) -> "Maps":
        """Read the train tiles of shards.

        Raises:
            InputError: there is no train tile.
        """
        classes = len(dataset.classes)
        rows = spread(samples.rows(tiles, "train"), MOST)
        if not rows:
            raise InputError(tiles[0].parent, "no train tile to cut from", "Look at check and tile")
        found = chosen(list(masks(tiles, set(rows))), classes)
        after, borders = measured([t.encoded for t in found], classes)
        return cls(tiles, found, after, prices(borders), dataset.size)

    @property
    def shares(self) -> NDArray[np.float32]:
        """Class shares (N, K) of each tile."""
        return self.after[0, :, 0]

    def mask(self, tile: int) -> Mask:
        """The mask (H, W) of a tile; pixels without a class take that of the nearest pixel."""
        return filled(codec.decode(self.tiles[tile].encoded)[0].astype(np.uint8))

    def gaps(self, tile: int) -> NDArray[np.bool_]:
        """Pixels (H, W) of a tile without a class."""
        return np.asarray(codec.decode(self.tiles[tile].encoded)[0] == IGNORE)


def masks(tiles: Sequence[Path], wanted: Collection[int]) -> Iterator[Tile]:
    """Some rows of shards, counted over all of them, a shard at a time; images are not read."""
    start = 0
    for path in tiles:
        table = samples.columns([path], ["id", "scene", "mask"])
        rows = zip(table["id"], table["scene"], table["mask"], strict=True)
        yield from (Tile(start + i, *row) for i, row in enumerate(rows) if start + i in wanted)
        start += len(table["id"])


def chosen(found: Sequence[Tile], classes: int) -> Sequence[Tile]:
    """Tiles that are nearly without gaps; all, if those lack a class that others have."""
    counts = np.stack([np.bincount(codec.decode(t.encoded)[0].ravel(), minlength=256) for t in found])
    whole = counts[:, IGNORE] <= (1 - WHOLE) * counts.sum(1)
    held = counts[:, :classes] > 0
    enough = (held[whole].any(0) == held.any(0)).all()
    return [tile for tile, kept in zip(found, whole, strict=True) if kept] if enough else found


def measured(encoded: Sequence[bytes], classes: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Class shares right of each cut (SIDES, N, STRIPS + 1, K), and borders between classes (K, K)."""
    after = np.zeros((SIDES, len(encoded), STRIPS + 1, classes), np.float32)
    borders, looked = np.zeros((classes, classes)), set(spread(range(len(encoded)), LOOKED))
    for i, raster in enumerate(encoded):
        mask = filled(codec.decode(raster)[0].astype(np.uint8))
        if i in looked:
            borders += borders_of(mask, classes)[0]
        columns, rows = (counted(mask, classes, axis) for axis in (0, 1))
        # A quarter turn makes columns of rows; two turns reverse them.
        for side, lines in enumerate((columns, rows, columns[::-1], rows[::-1])):
            left = summed(lines)
            after[side, i] = (left[-1] - left) / mask.size
    return after, borders


def before(mask: Mask, classes: int) -> NDArray[np.float64]:
    """Class shares (STRIPS + 1, K), of all pixels of a mask, left of each cut."""
    return summed(counted(mask, classes, 0)) / mask.size


def counted(mask: Mask, classes: int, axis: int) -> NDArray[np.int64]:
    """Pixels of each class in each column (W, K), axis 0, or row (H, K), axis 1."""
    return np.stack([np.count_nonzero(mask == k, axis) for k in range(classes)], 1)


def summed(lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Pixels of each class (STRIPS + 1, K) before each cut, from those of each line (N, K)."""
    total = np.concatenate([np.zeros((1, lines.shape[1])), lines.cumsum(0)])
    return np.asarray(total[cuts(len(lines))])


def cuts(size: int) -> NDArray[np.int64]:
    """Columns (STRIPS + 1,) between the strips of a tile."""
    return np.linspace(0, size, STRIPS + 1).astype(np.int64)


def prices(borders: NDArray[np.float64]) -> NDArray[np.float32]:
    """What a border between two classes costs (K, K), from how many there are in real masks.

    One plus how many times (in e-folds) they touch less often than they would if borders had no
    preference, between a half and four.
    """
    share = borders / max(borders.sum(), 1)
    expected = np.outer(share.sum(1), share.sum(1))
    np.fill_diagonal(expected, 0)
    expected /= max(expected.sum(), 1e-12)
    found = np.clip(1 - np.log((share + UNSEEN) / (expected + UNSEEN)), 0.5, 4)
    np.fill_diagonal(found, 0)
    return found.astype(np.float32)


def filled(mask: Mask) -> Mask:
    """A mask whose pixels without a class take that of the nearest one that has one."""
    gaps = mask == IGNORE
    if not gaps.any() or gaps.all():
        return mask
    rows, columns = distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return np.asarray(mask[rows, columns])

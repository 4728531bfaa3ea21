"""Class probabilities of whole scenes: windows that overlap by half a tile, blended.

The held-out tiles of a scene lie side by side. Beside each tile the network sees the windows halfway to its
neighbours, cut from the tiles they lie in. A pixel takes the mean of up to four windows, weighted by how far
it lies from their edges, where a network sees least. Areas of other splits are never looked at.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from landloom.data import samples
from landloom.data.held_tiles import tile_bytes
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.segmentation import predict
from landloom.segmentation.overlaps import shared
from landloom.segmentation.predict import Found, Probabilities

Corner = tuple[int, int]
"""Row and column of the upper left pixel of a tile or window in its scene."""

BLENDED_BYTES = 5 * 10**8
"""Bound of images and sums in memory, as far as one column of tiles allows. Wider scenes are blended some
columns at a time."""
ROWS = 3
"""Rows of tiles that are held: those that a window reaches into, and those that the next batch reads."""


def blended(model: nn.Module, statistics: Statistics, paths: Sequence[Path], split: str) -> Found:
    """Yield the tiles of a split, scene by scene and without their images, with blended probabilities."""
    size = statistics.size
    for path in paths:
        for tiles in located(path, split):
            cuts = windows(tiles, size)
            for columns in strips(sorted({col for _, col in tiles}), statistics):
                strip = Strip(path, tiles, columns, cuts, size)
                for corner, found in predict.over(model, statistics, strip.images()):
                    yield from strip.add(corner, found)
                yield from strip.finished()


def located(path: Path, split: str) -> Iterator[dict[Corner, int]]:
    """Yield, for each scene of a shard, its tiles in a split: their corners and rows in the shard."""
    table = samples.columns([path], ["scene", "row", "col", "split"])
    scenes: dict[str, dict[Corner, int]] = {}
    for i, (scene, row, col, found) in enumerate(zip(*table.values(), strict=True)):
        if found == split:
            scenes.setdefault(scene, {})[row, col] = i
    yield from scenes.values()


def windows(tiles: Iterable[Corner], size: int) -> dict[Corner, list[Corner]]:
    """Windows in reading order, each with the tiles that it is cut from: one, two or four.

    Args:
        tiles: corners of a scene's tiles, which are rows and columns of one grid with gaps.
        size: side of tiles and windows in pixels.
    """
    there = set(tiles)
    rows, cols = (_lines(sorted(set(axis)), size) for axis in zip(*there, strict=True))
    cuts = {}
    for (row, above), (col, left) in product(rows, cols):
        sources = list(product(above, left))
        if there.issuperset(sources):
            cuts[row, col] = sources
    return cuts


def _lines(starts: Sequence[int], size: int) -> list[tuple[int, tuple[int, ...]]]:
    """Where windows start along one axis, and the starts of the tiles that they are cut from."""
    halfway = [((a + b) // 2, (a, b)) for a, b in pairwise(starts) if 1 < b - a <= size]
    return sorted([*((a, (a,)) for a in starts), *halfway])


def strips(columns: Sequence[int], statistics: Statistics) -> Iterator[Sequence[int]]:
    """Cut the columns of a scene's tiles so that what is held of a strip keeps to ``BLENDED_BYTES``."""
    image = tile_bytes(1, statistics.bands, statistics.size, statistics.dtype)
    sums = 4 * (len(statistics.classes) + 1) * statistics.size**2
    count = max(1, BLENDED_BYTES // (ROWS * (image + sums)))
    return (columns[i : i + count] for i in range(0, len(columns), count))


def weights(size: int) -> NDArray[np.float32]:
    """Weight of a window's pixels (size, size): a raised cosine along both axes, above 0 up to the edge.

    Windows half a size apart add up to 1 along an axis.
    """
    wave = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    return np.outer(wave, wave).astype(np.float32)


class Strip:
    """Some columns of a scene's tiles, blended from above to below; few rows are held at a time.

    Args:
        path: the shard.
        tiles: corners of the scene's tiles and their rows in the shard.
        columns: adjacent columns of tiles that are wanted.
        cuts: windows and their tiles; those that reach into the columns are looked at.
        size: side of a tile in pixels.
    """

    def __init__(
        self, path: Path, tiles: Mapping[Corner, int], columns: Sequence[int],
        cuts: Mapping[Corner, list[Corner]], size: int,
    ) -> None:  # fmt: skip
        self.path, self.tiles, self.columns, self.size = path, tiles, columns, size
        first, last = columns[0] - size, columns[-1] + size
        self.cuts = {corner: sources for corner, sources in cuts.items() if first < corner[1] < last}
        self.rows = sorted({row for row, _ in tiles})
        self.weights = weights(size)
        self.samples: dict[Corner, Sample] = {}
        self.sums: dict[Corner, tuple[Probabilities, NDArray[np.float32]]] = {}

    def images(self) -> Iterator[tuple[Corner, NDArray[Any]]]:
        """Yield the windows and their images (C, size, size); each tile is read once."""
        needed = {self.tiles[corner] for sources in self.cuts.values() for corner in sources}
        read, held = samples.pick([self.path], needed), dict[Corner, NDArray[Any]]()
        for corner, sources in self.cuts.items():
            held = {at: image for at, image in held.items() if at[0] + self.size > corner[0]}
            while not held.keys() >= set(sources):
                sample = next(read)
                held[sample.row, sample.col] = sample.image_array()
                if sample.col in self.columns:
                    self.samples[sample.row, sample.col] = replace(sample, image=None)
            yield corner, self._cut(corner, {at: held[at] for at in sources})

    def _cut(self, corner: Corner, sources: Mapping[Corner, NDArray[Any]]) -> NDArray[Any]:
        image = np.empty_like(next(iter(sources.values())))
        for at, tile in sources.items():
            image[:, *shared(corner, at, self.size)] = tile[:, *shared(at, corner, self.size)]
        return image

    def add(self, corner: Corner, found: Probabilities) -> Found:
        """Add the probabilities of the next window, and yield the tiles that none reaches any more."""
        yield from self.finished(corner[0])
        weighted = found * self.weights
        for at in product(_near(self.rows, corner[0], self.size), _near(self.columns, corner[1], self.size)):
            if at in self.tiles:
                if at not in self.sums:
                    self.sums[at] = np.zeros_like(found), np.zeros_like(self.weights)
                total, weight = self.sums[at]
                here, there = shared(at, corner, self.size), shared(corner, at, self.size)
                total[:, *here] += weighted[:, *there]
                weight[here] += self.weights[there]

    def finished(self, row: int | None = None) -> Found:
        """Yield tiles that end above a row, in reading order; without one, all that are left."""
        for at in [at for at in sorted(self.sums) if row is None or at[0] + self.size <= row]:
            total, weight = self.sums.pop(at)
            yield self.samples.pop(at), total / weight


def _near(starts: Sequence[int], at: int, size: int) -> Sequence[int]:
    """Starts, ascending, of those of one size that reach into the one at ``at``."""
    return starts[bisect_right(starts, at - size) : bisect_left(starts, at + size)]

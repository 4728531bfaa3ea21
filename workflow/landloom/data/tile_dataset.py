"""Training tiles out of shards: decoded when they are asked for, with a bounded number of them in memory."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch.utils.data
from numpy.typing import NDArray

from landloom.data import held_tiles, samples
from landloom.data.sample_index import Place
from landloom.data.samples import Sample, ShardReader
from landloom.data.statistics import Statistics
from landloom.errors import InputError

OPEN_SHARDS = 64
"""Shards that are open at once: a process may have few hundred files open."""


class Tile(NamedTuple):
    """An image (C, H, W) in its own units and type, and its mask (H, W) of class indices."""

    image: NDArray[Any]
    mask: NDArray[np.uint8]


class TileDataset(torch.utils.data.Dataset[Tile]):
    """Tiles in some places; the same ones in the same order, however many are held.

    When all fit, they are read once, at the start. Otherwise the most recently used ones are held, and a
    thread decodes those that ``prefetch`` announces while the step before is computed. The caller holds the
    batch it asked for besides.

    Args:
        places: where each tile lies.
        statistics: of the dataset.
        min_trust: pixels trusted less (0 to 1) are ignored.
        capacity: decoded tiles held at most; None stands for what ``HELD_BYTES`` has room for.

    Raises:
        InputError: there are no tiles, or one has another size or type than the statistics say; a streamed
            tile is looked at when it is read.
    """

    def __init__(
        self,
        places: Sequence[Place],
        statistics: Statistics,
        min_trust: float = 0.0,
        capacity: int | None = None,
    ) -> None:
        if not places:
            raise InputError("tiles", "there are no samples", "Check the split and the tiles")
        self.places, self.statistics, self.min_trust = places, statistics, min_trust
        self.capacity = capacity or held_tiles.capacity(statistics.bands, statistics.size, statistics.dtype)
        self.reader = lru_cache(OPEN_SHARDS)(ShardReader)
        self.held: OrderedDict[int, Tile] = OrderedDict()
        self.thread = ThreadPoolExecutor(1, "tiles")
        self.coming: Future[None] | None = None
        if len(places) <= self.capacity:
            self._hold(range(len(places)))

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Tile:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Tile]:
        """Tiles at some indices (torch asks a dataset for a batch by this name)."""
        if self.coming is not None:
            self.coming.result()  # one thread at a time reads and holds
            self.coming = None
        found = {i: self.held[i] for i in indices if i in self.held}
        for i in found:
            self.held.move_to_end(i)
        for i, tile in self._read([i for i in indices if i not in found]):
            found[i] = tile
            self._keep(i, tile)
        return [found[i] for i in indices]

    def prefetch(self, indices: Sequence[int]) -> None:
        """Begin to decode the tiles that are asked for next; an error is raised when they are."""
        if len(self.held) < len(self.places):
            self.coming = self.thread.submit(self._hold, list(indices))

    def _hold(self, indices: Sequence[int]) -> None:
        for i in indices:
            if i in self.held:
                self.held.move_to_end(i)
        for i, tile in self._read([i for i in indices if i not in self.held]):
            self._keep(i, tile)

    def _keep(self, index: int, tile: Tile) -> None:
        self.held[index] = tile
        if len(self.held) > self.capacity:
            self.held.popitem(last=False)

    def _read(self, indices: Sequence[int]) -> Iterator[tuple[int, Tile]]:
        """Tiles from their shards, a shard at a time: tiles of one row group are read together."""
        by_shard: dict[Any, dict[int, int]] = {}
        for i in dict.fromkeys(indices):
            by_shard.setdefault(self.places[i].shard, {})[self.places[i].row] = i
        for shard, wanted in by_shard.items():
            for row, sample in self.reader(shard).rows(sorted(wanted), samples.PIXELS):
                yield wanted[row], self._tile(sample)

    def _tile(self, sample: Sample) -> Tile:
        statistics, image = self.statistics, sample.image_array()
        shape = (statistics.bands, statistics.size, statistics.size)
        if image.shape != shape or image.dtype != statistics.dtype:
            found = f"the image is {image.shape} {image.dtype}, not {shape} {statistics.dtype}"
            raise InputError(sample.id, found, "Run tile again")
        return Tile(image, sample.trusted_mask(self.min_trust))

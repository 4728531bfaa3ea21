"""Training tiles out of shards: decoded when they are asked for, with a bounded number of them in memory."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from mmap import mmap
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from landloom.data import held_tiles, samples
from landloom.data.held_rows import HeldRows
from landloom.data.sample_index import Place
from landloom.data.samples import Sample, ShardReader
from landloom.data.statistics import Statistics
from landloom.errors import InputError

T = TypeVar("T")

OPEN_SHARDS = 64
"""Shards that are open at once: a process may have few hundred files open."""

LARGE = 2**16
"""Bytes from which an array gets pages of its own."""


class Tile(NamedTuple):
    """An image (C, H, W) in its own units and type, and its mask (H, W) of class indices."""

    image: NDArray[Any]
    mask: NDArray[np.uint8]


class SampleRows(HeldRows[T], Generic[T]):
    """What is made of the samples in some places.

    Args:
        places: where each sample lies.
        statistics: of the dataset.
        capacity: rows held at most; None stands for the decoded tiles that ``HELD_BYTES`` has room for.

    Attributes:
        columns: what is read of a sample.

    Raises:
        InputError: there are no samples, or one has another size or type than the statistics say; a streamed
            one is looked at when it is read.
    """

    columns: ClassVar[Sequence[str]]

    def __init__(self, places: Sequence[Place], statistics: Statistics, capacity: int | None = None) -> None:
        if not places:
            raise InputError("tiles", "there are no samples", "Check the split and the tiles")
        self.places, self.statistics = places, statistics
        room = held_tiles.capacity(statistics.bands, statistics.size, statistics.dtype)
        super().__init__(len(places), capacity or room)
        self.reader = lru_cache(OPEN_SHARDS)(ShardReader)
        self.fill()

    def _read(self, indices: Sequence[int]) -> Iterator[tuple[int, T]]:
        """Rows from their shards, a shard at a time: samples of one row group are read together."""
        by_shard: dict[Any, dict[int, int]] = {}
        for i in dict.fromkeys(indices):
            by_shard.setdefault(self.places[i].shard, {})[self.places[i].row] = i
        for shard, wanted in by_shard.items():
            for row, sample in self.reader(shard).rows(sorted(wanted), self.columns):
                yield wanted[row], self._row(sample)

    @abstractmethod
    def _row(self, sample: Sample) -> T:
        """What is held of a sample."""

    def _image(self, sample: Sample) -> NDArray[Any]:
        statistics, image = self.statistics, sample.image_array()
        shape = (statistics.bands, statistics.size, statistics.size)
        if image.shape != shape or image.dtype != statistics.dtype:
            found = f"the image is {image.shape} {image.dtype}, not {shape} {statistics.dtype}"
            raise InputError(sample.id, found, "Run tile again")
        return image


class TileDataset(SampleRows[Tile]):
    """Tiles with their masks; pixels trusted less than ``min_trust`` (0 to 1) are ignored."""

    columns: ClassVar[Sequence[str]] = samples.PIXELS

    def __init__(
        self,
        places: Sequence[Place],
        statistics: Statistics,
        min_trust: float = 0.0,
        capacity: int | None = None,
    ) -> None:
        self.min_trust = min_trust
        super().__init__(places, statistics, capacity)

    def _row(self, sample: Sample) -> Tile:
        return Tile(*map(apart, self._tile(sample)))

    def _tile(self, sample: Sample) -> Tile:
        return Tile(self._image(sample), sample.trusted_mask(self.min_trust))


def apart(values: NDArray[Any]) -> NDArray[Any]:
    """A large array in pages of its own, which go back to the system with it.

    Held for long among short-lived arrays, it would leave holes that glibc keeps: a third more memory.
    """
    if values.nbytes < LARGE:
        return values
    made = np.frombuffer(mmap(-1, values.nbytes), values.dtype).reshape(values.shape)
    np.copyto(made, values)
    return made

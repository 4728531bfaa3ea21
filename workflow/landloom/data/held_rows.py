"""Rows that are read when they are asked for, with a bounded number of them in memory."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from landloom.runtime import phases

T = TypeVar("T")


class HeldRows(ABC, Generic[T]):
    """The same rows in the same order, however many are held.

    When all fit, they are read once, by ``fill``. Otherwise the most recently used ones are held, and a
    thread reads those that ``prefetch`` announces while the step before is computed. The caller holds the
    batch it asked for besides.

    Args:
        size: number of rows.
        capacity: rows held at most.
    """

    def __init__(self, size: int, capacity: int) -> None:
        self.size, self.capacity = size, capacity
        self.held: OrderedDict[int, T] = OrderedDict()
        self.thread = ThreadPoolExecutor(1, "rows")
        self.coming: Future[None] | None = None

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> T:
        return self.__getitems__([index])[0]

    @phases.during("load")
    def __getitems__(self, indices: Sequence[int]) -> list[T]:
        """Rows at some indices (torch asks a dataset for a batch by this name)."""
        if self.coming is not None:
            self.coming.result()  # one thread at a time reads and holds
            self.coming = None
        found = {i: self.held[i] for i in indices if i in self.held}
        for i in found:
            self.held.move_to_end(i)
        for i, row in self._read([i for i in indices if i not in found]):
            found[i] = row
            self._keep(i, row)
        return [found[i] for i in indices]

    @phases.during("load")
    def fill(self) -> None:
        """Read all rows, if they may be held."""
        if self.size <= self.capacity:
            self._hold(range(self.size))

    def prefetch(self, indices: Sequence[int]) -> None:
        """Begin to read the rows that are asked for next; an error is raised when they are."""
        if len(self.held) < self.size:
            self.coming = self.thread.submit(self._hold, list(indices))

    @abstractmethod
    def _read(self, indices: Sequence[int]) -> Iterator[tuple[int, T]]:
        """Yield rows with their indices, in any order; an index may be named twice, and may come once."""

    def _hold(self, indices: Sequence[int]) -> None:
        for i in indices:
            if i in self.held:
                self.held.move_to_end(i)
        for i, row in self._read([i for i in indices if i not in self.held]):
            self._keep(i, row)

    def _keep(self, index: int, row: T) -> None:
        self.held[index] = row
        if len(self.held) > self.capacity:
            self.held.popitem(last=False)

"""Some of many: slices of a batch's size, as many as a GPU has room for, and evenly spread ones."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def spread(found: Sequence[T], count: int) -> list[T]:
    """At most ``count`` of all, evenly spread."""
    chosen = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return [found[i] for i in np.unique(chosen)]


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` that cover ``count``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


class Fitting:
    """Does work for the samples of a batch in as few parts as the GPU has room for.

    How many fit is found by running out of memory, once. What is made of a sample must not depend on the
    others; the shape of a batch changes its last bits.
    """

    def __init__(self) -> None:
        self.room = sys.maxsize

    def __call__(self, work: Callable[[slice], Iterable[T]], count: int) -> list[T]:
        """What ``work`` makes of the samples of each part, joined.

        Raises:
            torch.OutOfMemoryError: not even one sample fits.
        """
        while True:
            room = max(1, min(self.room, count))
            try:
                return [made for part in batches(count, room) for made in work(part)]
            except RuntimeError as error:
                # By its name: who needs no torch shall not import it.
                if type(error).__name__ != "OutOfMemoryError" or room == 1:
                    raise
                self.room = -(-room // 2)
            print(f"out of GPU memory with {room} samples at once, taking {self.room}", file=sys.stderr)
            sys.modules["torch"].cuda.empty_cache()

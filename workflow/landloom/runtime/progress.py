"""Progress of work that is no training: a line every few seconds, none when it is done at once."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from landloom.runtime import tracing

T = TypeVar("T")
EVERY = 10.0
"""Seconds between lines."""


def shown(items: Iterable[T], name: str, total: int | None = None, size: int = 1) -> Iterator[T]:
    """Yield items, and say on stderr how many are done, how fast, and how long it will take.

    Args:
        items: what is worked on between two yields.
        name: what to call the work.
        total: how much there is in all, in units of ``size`` per item; unknown when absent.
        size: units in an item, such as samples in a batch.
    """
    start = last = time.perf_counter()
    for number, item in enumerate(items):
        now, done = time.perf_counter(), number * size
        if done and now - last >= EVERY:
            last, speed = now, done / (now - start)
            rest = f", {(total - done) / speed:.0f} s left" if total is not None else ""
            of = f"/{total}" if total is not None else ""
            print(f"{name}: {done}{of} | {speed:.2f} a second{rest}", file=sys.stderr, flush=True)
        tracing.step()
        yield item

"""Where the time of a job goes: start, load, compute, write; one of them is on at any moment.

Only the main thread is counted: what other threads read ahead costs a job nothing.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

Phase = Literal["start", "load", "compute", "write"]
Item = TypeVar("Item")


def age() -> float:
    """Seconds since this process began; 0 where the system does not say."""
    try:
        began = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(began) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return 0.0


class Clock:
    """Time of each phase so far.

    Args:
        before: seconds that have passed already; they count as start.
    """

    def __init__(self, before: float = 0.0) -> None:
        self.times: dict[Phase, float] = {"start": before, "load": 0.0, "compute": 0.0, "write": 0.0}
        self.on: Phase = "start"
        self.since = time.perf_counter()

    def switch(self, phase: Phase) -> Phase:
        """Begin a phase; returns the one that ends."""
        now, ended = time.perf_counter(), self.on
        self.times[ended] += now - self.since
        self.on, self.since = phase, now
        return ended


_clock = Clock(age())


@contextmanager
def during(phase: Phase) -> Iterator[None]:
    """Count what is done inside as a phase, and no longer as the one around it; also a decorator."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    around = _clock.switch(phase)
    try:
        yield
    finally:
        _clock.switch(around)


def each(phase: Phase, items: Iterable[Item]) -> Iterator[Item]:
    """Yield items; getting them is counted as a phase, what is done with them is not."""
    iterator, end = iter(items), object()
    while True:
        with during(phase):
            item = next(iterator, end)
        if item is end:
            return
        yield item  # type: ignore[misc]


def taken() -> dict[str, float]:
    """Seconds of each phase until now."""
    _clock.switch(_clock.on)
    return {name: round(seconds, 3) for name, seconds in _clock.times.items()}


def line() -> str:
    """What ``taken`` says, for a log."""
    return "phases: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in taken().items())

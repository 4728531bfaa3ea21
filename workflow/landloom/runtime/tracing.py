"""Traces of torch's profiler (``run.profile``), for ui.perfetto.dev: the first steps of a job.

A step is one of a training, of a sampler, or a batch of other work. What takes them calls ``step``, which
does nothing unless a trace was asked for.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STEPS = 10
"""Steps in a trace. One of a ControlNet takes ten thousand events."""


class Trace:
    """Records from the first step on, ``STEPS`` of them or until the job ends."""

    def __init__(self, path: Path) -> None:
        self.path, self.steps = path, 0
        self.profiler: Any = None

    def step(self) -> None:
        """A step begins."""
        torch = sys.modules.get("torch")
        if torch is None:
            return  # nothing that could be seen
        if self.steps == 0:
            self.profiler = torch.profiler.profile()
            self.profiler.start()
        elif self.steps == STEPS:
            self.close()
        self.steps += 1

    def close(self) -> None:
        """Write what was recorded."""
        if self.profiler is None:
            return
        self.profiler.stop()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.profiler.export_chrome_trace(str(self.path))
        self.profiler = None
        print(f"trace of the first steps: {self.path}", file=sys.stderr)


_trace: Trace | None = None


def step() -> None:
    """A step of the job begins."""
    if _trace is not None:
        _trace.step()


@contextmanager
def traced(path: Path | None) -> Iterator[None]:
    """Write a trace of the first steps that are taken inside to a file; with None do nothing."""
    global _trace
    _trace = Trace(path) if path is not None else None
    try:
        yield
    finally:
        if _trace is not None:
            _trace.close()
        _trace = None


def place(partial: Path) -> Path:
    """Where the trace of a job lies, by its first output under the name it has while it is written."""
    name = partial.name.removeprefix(".").removesuffix(".partial")
    return partial.parent / ".landloom" / f"{name}.trace.json"

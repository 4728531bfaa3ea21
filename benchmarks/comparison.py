"""How fast one way of doing the same work is against another, measured so that noise hits both alike.

Both take turns in one process. A result is the ratio of each pair of neighbours; its median and range go to
``benchmarks/results/<name>.json``, from which ``tables.py`` writes docs/benchmarks.md.
"""

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

RESULTS = Path(__file__).parent / "results"
PAIRS = 5
"""Pairs of a comparison, unless it says otherwise."""


@dataclass(frozen=True)
class Result:
    """A row of the table.

    Attributes:
        name: of the file.
        work: what was done.
        against: what it is compared with.
        ratio_median: of the pairs.
        ratio_min: of the pairs.
        ratio_max: of the pairs.
        goal: what it should reach; None where it is for information.
        better: whether the ratio should be high or low.
        unit: what the ratio is.
        device: what computed, with its threads.
        n: number of pairs.
        seconds: of our side, median; None where no time is meant.
        floor: how far from the limits of the machine it is.
        reason: why the goal is missed, if it is.
        command: makes this file again.
        commit: of the code; '+' behind it where files were changed.
    """

    name: str
    work: str
    against: str
    ratio_median: float
    ratio_min: float
    ratio_max: float
    goal: float | None
    better: Literal["high", "low"]
    unit: str
    device: str
    n: int
    seconds: float | None
    floor: str
    reason: str
    command: str
    commit: str

    @property
    def reached(self) -> bool:
        """Whether the goal is reached, or there is none."""
        if self.goal is None:
            return True
        return self.ratio_median >= self.goal if self.better == "high" else self.ratio_median <= self.goal


def interleaved(
    ours: Callable[[], object], theirs: Callable[[], object], pairs: int = PAIRS
) -> tuple[list[float], float]:
    """Ratios of times, theirs by ours, of so many pairs; and the median of our seconds.

    Each is done once before, unmeasured. Who goes first changes from pair to pair.
    """
    ours(), theirs()
    found: list[tuple[float, float]] = []
    for i in range(pairs):
        first = seconds(ours if i % 2 else theirs)
        second = seconds(theirs if i % 2 else ours)
        found.append((second, first) if i % 2 else (first, second))
    return [a / b for a, b in found], statistics.median(b for _, b in found)


def seconds(work: Callable[[], object]) -> float:
    """Time that some work takes."""
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def report(
    name: str, work: str, against: str, ratios: Sequence[float], goal: float | None = None,
    better: Literal["high", "low"] = "high", unit: str = "times as fast", took: float | None = None,
    floor: str = "", reason: str = "",
) -> Result:  # fmt: skip
    """Print a row and write its file."""
    result = Result(
        name, work, against, statistics.median(ratios), min(ratios), max(ratios), goal, better, unit,
        device(), len(ratios), took, floor, reason, f"python benchmarks/{Path(sys.argv[0]).name}", commit(),
    )  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(asdict(result), indent=1) + "\n")
    mark = "" if result.reached else "  FALLS SHORT"
    aim = "" if goal is None else f", goal {goal:g}"
    span = f"{result.ratio_median:.3g} ({result.ratio_min:.3g} to {result.ratio_max:.3g}), n {result.n}"
    print(f"{work}, against {against}: {span} {unit}{aim}{mark}", flush=True)
    return result


def read() -> list[Result]:
    """All results that lie there, by name."""
    return [Result(**json.loads(p.read_text())) for p in sorted(RESULTS.glob("*.json"))]


def device() -> str:
    """What computes."""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{processor()}, {torch.get_num_threads()} threads"


def processor() -> str:
    """Name of the CPU, as Linux says it."""
    info = Path("/proc/cpuinfo")
    names = (
        [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0].split(":")[1].strip() if names else platform.processor() or platform.machine()


def commit() -> str:
    """Short name of the commit that runs."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], capture_output=True, text=True, cwd=RESULTS.parent
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "../workflow", "../benchmarks/*.py")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")

"""Workflow overhead of a finished run: what its jobs and Snakemake took beside the stages' own work.

python benchmarks/overhead.py [--results folder]

The time of a job is Snakemake's, from its start to its end; the stage's own work is what its record calls
load, compute and write. What is left is the start of processes, imports and their end. To it comes the time
in which Snakemake ran no job: it builds the DAG, checks the config and chooses jobs.
"""

import argparse
import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from comparison import report

GOAL = 8.0
NOT_WORK = "start"


@dataclass(frozen=True)
class Job:
    """When a job ran, in seconds since 1970; None for one that Snakemake starts without a rule."""

    stage: str
    span: tuple[float, float] | None
    own: float


def main() -> None:
    """Write the row, or say that no finished run is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path(__file__).parents[1])
    root = parser.parse_args().results
    jobs = found(root)
    run = longest(root, jobs)
    if run is None or "audit" not in {j.stage for j in jobs}:
        print(f"overhead: skipped, no finished run in {root.resolve()}: snakemake --cores all makes one")
        return
    spans = [j.span for j in jobs if j.span]
    own = sum(j.own for j in jobs)
    idle = run[1] - run[0] - covered(spans)
    beside = sum(end - start for start, end in spans) + idle - own
    row(jobs, 100 * beside / own, f"{beside:.0f} s beside {own:.0f} s of work, {idle:.1f} s without any job")


def row(jobs: list[Job], share: float, floor: str) -> None:
    """Write the row of one run."""
    reason = "a job imports torch in one second, with timm in 2.5, with diffusers in four: those are theirs"
    work = f"default run, {len(jobs)} jobs: processes, imports, Snakemake"
    against = "the stages' own work"
    unit = "% of the stages' own work"
    report(
        "overhead", work, against, [share], GOAL, "low", unit, floor=floor,
        reason=reason if share > GOAL else "",
    )  # fmt: skip


def found(root: Path) -> list[Job]:
    """All jobs that left records below a folder."""
    records: dict[str, tuple[dict[str, Any], list[Path]]] = {}
    for path in (root / "results").rglob("*.prov.json"):
        body = json.loads(path.read_text())
        records.setdefault(body["job"], (body, []))[1].append(path.with_name(body["output"]))
    spans = {root / name: span for name, span in times(root / ".snakemake/metadata")}
    return [
        Job(body["stage"], next((spans[o] for o in outputs if o in spans), None), work(body))
        for body, outputs in records.values()
    ]


def work(record: dict[str, Any]) -> float:
    """Seconds of a stage's own work."""
    phases = record.get("phases") or {"compute": record["seconds"]}  # none in records of earlier editions
    return sum(seconds for phase, seconds in phases.items() if phase != NOT_WORK)


def times(folder: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    """Outputs, as Snakemake calls them, and when the jobs that made them ran."""
    for path in filter(Path.is_file, folder.rglob("*")):
        name = "".join(part.removeprefix("@") for part in path.relative_to(folder).parts)
        body = json.loads(path.read_text())
        yield base64.b64decode(name, altchars=b"-_").decode(), (body["starttime"], body["endtime"])


def longest(root: Path, jobs: list[Job]) -> tuple[float, float] | None:
    """Start and end of the run in which all jobs ran; None where they ran in several, or none did."""
    spans = [j.span for j in jobs if j.span]
    for log in (root / ".snakemake/log").glob("*.snakemake.log"):
        begin = datetime.strptime(log.name.removesuffix(".snakemake.log"), "%Y-%m-%dT%H%M%S.%f").timestamp()
        end = log.stat().st_mtime
        if spans and all(begin <= start and stop <= end + 1 for start, stop in spans):
            return begin, end
    return None


def covered(spans: list[tuple[float, float]]) -> float:
    """Seconds in which at least one of some spans was on."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


if __name__ == "__main__":
    main()

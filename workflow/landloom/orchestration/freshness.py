"""What is out of date, by the records beside the outputs: told to Snakemake before it plans.

Snakemake's own memory, ``.snakemake``, stays behind when results are copied, and file times mean nothing
after a copy, a touch or a restored backup. A record does: an output is current when the command that would
make it now is the one that made it, by the same VERSION of its stage, and when its inputs are, by their
records, what it was made from.

- What is not current is forced; what is downstream follows by itself.
- What is current but looks older than its inputs is touched, and so not made again.

Digests are compared between records, which takes no time. Bytes are read only of inputs that look newer.
"""

import functools
import json
import shlex
import traceback
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from snakemake.logging import logger

from landloom.orchestration import recorded_jobs
from landloom.orchestration.file_times import FileTimes
from landloom.orchestration.recorded_jobs import Job, Record
from landloom.runtime import registry as stages

SHOWN = 5
"""Reasons that are told in one run."""
LONG = 60
"""Characters of a value that is not told any more."""


version = functools.cache(stages.version)


class Freshness:
    """Has the records of each dataset asked once, when Snakemake builds its graph.

    Args:
        workflow: Snakemake's.
        dataset: whose jobs have no wildcard ``dataset``.
    """

    def __init__(self, workflow: Any, dataset: str) -> None:
        self.workflow, self.dataset = workflow, dataset
        self.asked: set[str] = set()

    def first(self, function: Callable[[Any], list[str]]) -> Callable[[Any], list[str]]:
        """An input function of jobs that are in every graph; with its first answer the records are asked.

        No other hook is called when the graph is known, but not yet what is to be run. Not asked in the
        processes of jobs, nor where ``--rerun-triggers`` leaves out parameters.
        """

        def answer(wildcards: Any) -> list[str]:
            dataset = wildcards.get("dataset", self.dataset)
            if dataset not in self.asked:
                self.asked.add(dataset)
                if self.workflow.is_main_process and "params" in map(str, self.workflow.rerun_triggers):
                    self._tell(RecordedRun(self.workflow, Path("results") / dataset))
            return function(wildcards)

        return answer

    def _tell(self, run: "RecordedRun") -> None:
        try:
            forced = run.forced
            FileTimes(run.jobs, forced).correct()
        except Exception:  # Snakemake would go on in silence, as if the files had no rule
            raise SystemExit(traceback.format_exc()) from None
        self.workflow.dag.forcefiles.update(forced)
        if forced:
            lines = [f"  {output}: {why}" for output, why in forced.items()]
            more = [f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
            logger.info("\n".join(["Out of date by their records:", *lines[:SHOWN], *more]))


class RecordedRun:
    """What the records of one dataset say.

    Args:
        workflow: Snakemake's.
        root: folder of its results.
    """

    def __init__(self, workflow: Any, root: Path) -> None:
        self.workflow, self.root = workflow, root

    @cached_property
    def made(self) -> dict[str, Record]:
        """The record of each output."""
        return recorded_jobs.read(self.root)

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """The job of each output."""
        return recorded_jobs.jobs(self.workflow, self.made)

    @property
    def forced(self) -> dict[str, str]:
        """Why jobs must be done again, by the first output of each."""
        return {job.outputs[0]: why for job in self.jobs.values() if (why := next(self._why(job), None))}

    def _why(self, job: Job) -> Iterator[str]:
        for record in job.records:
            if not record:
                yield "its record cannot be read"
                continue
            stage, was = record["stage"], record["version"]
            if was != (now := version(stage)):
                yield f"made by VERSION {was} of {stage}, which is {now} now"
            yield from differences(record["command"], job.command, stage)
            for path, digest in record["inputs"].items():
                there = self.made[path] if path in self.made else recorded_jobs.elsewhere(path)
                if there is not None and there.get("sha256") != digest:
                    yield f"made from another {path}"


def differences(was: str, now: str, stage: str) -> Iterator[str]:
    """What differs between two commands of a stage."""
    if was.split() != now.split():  # empty places of options that are not given do not count
        yield from _differences(_options(was, stage), _options(now, stage), "")


def _options(command: str, stage: str) -> dict[str, Any]:
    """Values of a command's options by name, read where they are JSON."""
    found: dict[str, list[str]] = {}
    words: list[str] = []
    for word in shlex.split(command):
        if word.startswith("--"):
            words = found.setdefault(stage if word == "--config" else word[2:], [])
        else:
            words.append(word)
    return {
        name: json.loads(w[0]) if len(w) == 1 and w[0][:1] == "{" else " ".join(w)
        for name, w in found.items()
    }


def _differences(was: Any, now: Any, name: str) -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            yield from _differences(was.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif was != now:
        before, after = ("left out" if v is None else str(v) for v in (was, now))
        long = max(len(before), len(after)) > LONG
        yield f"{name} is another now" if long else f"{name} was {before} and is {after}"

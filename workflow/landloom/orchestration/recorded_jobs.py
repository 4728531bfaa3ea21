"""Jobs whose outputs lie there with records, and what Snakemake would do to make them now."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snakemake.exceptions import InputFunctionException
from snakemake.iocontainers import Wildcards
from snakemake.utils import format as fill

from landloom.errors import InputError
from landloom.provenance import records

STATE = "state"
"""Folder below the results in which no output lies."""
UNASKED = "check"
"""The stage that is run when a run starts, whatever its output says."""
KEYS = {"stage", "version", "command", "inputs", "sha256"}

Record = Mapping[str, Any]


@dataclass
class Job:
    """A job whose outputs, or some of them, are there.

    Attributes:
        command: what would make them now.
        inputs: their paths.
        outputs: their paths.
        benchmark: file that is as much a product, for Snakemake's comparison of times; may be absent.
        records: of the outputs; those that cannot be read are empty.

    """

    command: str
    inputs: list[str]
    outputs: list[str]
    benchmark: str | None
    records: list[Record] = field(default_factory=list)

    @property
    def products(self) -> list[Path]:
        """All whose times count and that are there."""
        names = [*self.outputs, *([self.benchmark] if self.benchmark else [])]
        return [p for p in map(Path, names) if p.exists()]


def read(root: Path) -> dict[str, Record]:
    """The record of each output below a folder, by the output's path; an empty one if it cannot be read."""
    found = {}
    for folder, inner, files in os.walk(root):
        inner[:] = [n for n in inner if not n.startswith(".") and Path(folder, n) != root / STATE]
        for name in files:
            if name.endswith(records.SUFFIX) and not name.startswith("."):
                path = Path(folder, name)
                found[str(path).removesuffix(records.SUFFIX)] = _read(path)
    return found


def elsewhere(path: str) -> Record | None:
    """The record of an output of another dataset, as of another share of labels; None without."""
    record = records.record_path(Path(path))
    return _read(record) if path.startswith("results/") and record.exists() else None


def jobs(workflow: Any, made: Mapping[str, Record]) -> dict[str, Job]:
    """The job of each output with a record that one of Snakemake's rules makes."""
    found: dict[str, Job] = {}
    for output, record in made.items():
        if output not in found and Path(output).exists() and (job := _job(workflow, output, record)):
            found |= dict.fromkeys(job.outputs, job)
        if output in found:
            found[output].records.append(record)
    return found


def _job(workflow: Any, output: str, record: Record) -> Job | None:
    rule = next((r for r in _rules(workflow, record) if r.is_producer(output)), None)
    if rule is None:
        return None
    wildcards = Wildcards(fromdict=rule.get_wildcards(output))
    try:
        inputs, outputs = rule.expand_input(wildcards)[0], rule.expand_output(wildcards)[0]
    except InputFunctionException as error:
        if not isinstance(error.__context__, InputError):
            raise
        return None  # the config of now has no such job
    params = rule.expand_params(wildcards, inputs, outputs, None)[0]
    text = fill(rule.shellcmd, wildcards=wildcards, input=inputs, output=outputs, params=params, log="")
    benchmark = rule.expand_benchmark(wildcards)
    return Job(
        command=text.rpartition(" 2>&1 ")[0],
        inputs=[str(i) for i in inputs],
        outputs=[str(o) for o in outputs],
        benchmark=str(benchmark) if benchmark else None,
    )


def _rules(workflow: Any, record: Record) -> Iterator[Any]:
    """Rules that may have made an output; any if its record cannot be read.

    What Snakemake's cache shares between workflows is left to it: there, paths may differ.
    """
    shared = {*(workflow.workflow_settings.cache or ()), UNASKED}
    begin = f"python -m landloom {record['stage']} " if record else "python -m landloom "
    return (r for r in workflow.rules if (r.shellcmd or "").startswith(begin) and r.name not in shared)


def _read(path: Path) -> Record:
    try:
        record: Record = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) and set(record) >= KEYS else {}

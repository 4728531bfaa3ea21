"""What SLURM's accounting adds to the records: how long jobs waited."""

import subprocess
from collections.abc import Sequence
from datetime import datetime


def waits(jobs: Sequence[str]) -> dict[str, float]:
    """Hours each job waited, over all its turns in the queue; empty where there is no accounting."""
    if not jobs:
        return {}
    columns = "JobIDRaw,Eligible,Start"
    command = ["sacct", "-D", "-X", "-n", "-P", "-j", ",".join(jobs), "-o", columns]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return parse(done.stdout)


def parse(text: str) -> dict[str, float]:
    """Hours of waiting per job from sacct's rows; a job that was requeued has several."""
    found: dict[str, float] = {}
    for row in text.splitlines():
        job, eligible, start = row.split("|")
        try:
            wait = datetime.fromisoformat(start) - datetime.fromisoformat(eligible)
        except ValueError:  # Unknown, None: not started
            continue
        found[job] = found.get(job, 0.0) + max(wait.total_seconds(), 0.0) / 3600
    return found

"""Go on safely after the main Snakemake process died: ``landloom resume --profile slurm``.

Snakemake itself does not take up the jobs it lost: it would submit them again beside the running ones. So:
waiting jobs are cancelled, running ones are waited for, the lock of the dead run is removed, and Snakemake is
started with the arguments given here. Jobs that finished meanwhile find their results kept and compute none
of it again.
"""

import subprocess
import sys
import time
from pathlib import Path

import psutil

from landloom.cluster import slurm
from landloom.errors import InputError

POLL = 5.0
"""Seconds between looks at the queue."""


def main(arguments: list[str]) -> int:
    """Resume the run of this folder; returns Snakemake's exit code."""
    if arguments in (["-h"], ["--help"]):
        print("usage: landloom resume ARGUMENTS_OF_SNAKEMAKE ...\n\n" + (__doc__ or "").replace("``", ""))
        return 0
    folder = Path.cwd()
    try:
        if alive := running(folder):
            what = f"a snakemake is still running here, as process {alive}"
            raise InputError(folder, what, "Wait for it, or end it with: kill -INT " + str(alive))
        settle(folder)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    snakemake = [sys.executable, "-m", "snakemake", *arguments]
    subprocess.run([*snakemake, "--unlock"], check=True)
    return subprocess.run([*snakemake, "--rerun-incomplete"]).returncode


def settle(folder: Path) -> None:
    """Cancel the folder's waiting jobs and wait until its running ones have ended."""
    waiting = [j.job for j in slurm.jobs(folder) if j.state == "PENDING"]
    if waiting:
        print(f"cancelling {len(waiting)} jobs that have not started", file=sys.stderr)
        slurm.ask("scancel", *waiting)
    told: set[str] = set()
    while left := {j.job for j in slurm.jobs(folder)}:
        if left != told:
            told = left
            print(f"waiting for running jobs {', '.join(sorted(left))}", file=sys.stderr, flush=True)
        time.sleep(POLL)


def running(folder: Path) -> int | None:
    """Process id of a main Snakemake process of this user in ``folder`` on this machine."""
    for process in psutil.process_iter(["cmdline", "cwd", "environ"]):
        words = process.info["cmdline"] or []
        here = process.info["cwd"] == str(folder.resolve())
        job = "SLURM_JOB_ID" in (process.info["environ"] or {})
        if here and not job and process.pid != psutil.Process().pid and _snakemake(words):
            return int(process.pid)
    return None


def _snakemake(words: list[str]) -> bool:
    names = [Path(w).name for w in words[:3]]
    return "python" in names[0] and "snakemake" in names[1:] if names else False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

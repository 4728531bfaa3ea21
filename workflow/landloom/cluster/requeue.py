"""Going on after a time limit: a job that saved its state puts itself back into SLURM's queue.

SLURM sends the signal (``--signal=TERM@120``), the training loop saves and stops, and the same job waits for
its next turn; Snakemake sees one job that is pending again. So a training may last longer than its partition
allows.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

PATIENCE = 60
"""Seconds that SLURM gets to end this job after it was put back."""


def ask() -> None:
    """Put this SLURM job back into the queue and wait for its end; does nothing outside SLURM.

    A job that is being cancelled or preempted is no longer RUNNING and is left to SLURM.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if not job or not shutil.which("scontrol"):
        return
    state = subprocess.run(["squeue", "-h", "-j", job, "-o", "%T"], capture_output=True, text=True).stdout
    if state.strip() != "RUNNING":
        print(f"SLURM job {job} is {state.strip() or 'gone'}: not put back", file=sys.stderr)
        return
    print(f"putting SLURM job {job} back into the queue", file=sys.stderr, flush=True)
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True)
    if done.returncode:
        print(f"SLURM did not take it: {done.stderr.strip()}", file=sys.stderr)
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(PATIENCE)

"""The GPUs of this machine: each works for one job at a time.

Snakemake counts GPUs but does not say which one a job gets, so each job takes free ones itself. The lock of a
device ends with the process that holds it, however that ends. On SLURM each job was given its own.
"""

import fcntl
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from landloom.errors import InputError

VISIBLE = "CUDA_VISIBLE_DEVICES"
POLL = 0.5
"""Seconds between looks for a free device."""


def visible() -> list[str]:
    """Names of the devices that CUDA would show this process, without asking CUDA; none on a CPU machine."""
    if (given := os.environ.get(VISIBLE)) is not None:
        # As CUDA reads it: what stands behind a name that is no device is hidden, too.
        names = itertools.takewhile(
            lambda d: d not in ("", "-1", "NoDevFiles"), map(str.strip, given.split(","))
        )
        return list(dict.fromkeys(names))
    count = sum(bool(re.fullmatch(r"nvidia\d+", p.name)) for p in Path("/dev").glob("nvidia*"))
    return [str(i) for i in range(count)]


def memory(devices: Sequence[str]) -> list[int]:
    """Bytes of memory of some devices, as NVIDIA's tool says it; none where there is no such tool."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(
            [*command, f"--id={','.join(devices)}"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [int(word) * 2**20 for word in found.stdout.split() if word.isdigit()]


@contextmanager
def hold(count: int) -> Iterator[list[str]]:
    """Take ``count`` free devices, waiting for them, and hide all others from this process; 0 hides all.

    Call it before torch looks for devices. Does nothing without GPUs, and on SLURM.

    Raises:
        InputError: the machine has fewer devices.
    """
    devices = visible()
    if not devices or os.environ.get("SLURM_JOB_ID"):
        yield devices
        return
    if count > len(devices):
        found = f"{count} GPUs are asked for, this machine has {len(devices)}"
        raise InputError("processes", found, f"Set it to {len(devices)} or less")
    with ExitStack() as locks:
        taken = _take(devices, count, locks)
        before = os.environ.get(VISIBLE)
        os.environ[VISIBLE] = ",".join(taken)
        try:
            yield taken
        finally:
            if before is None:
                del os.environ[VISIBLE]
            else:
                os.environ[VISIBLE] = before


def _take(devices: Sequence[str], count: int, locks: ExitStack) -> list[str]:
    """Lock the first free devices, all or none: two jobs that wait for each other would wait for ever."""
    told = False
    while True:
        taken: list[str] = []
        with ExitStack() as attempt:
            for device in devices:
                if len(taken) < count and _lock(device, attempt):
                    taken.append(device)
            if len(taken) == count:
                locks.push(attempt.pop_all())
                return taken
        if not told:
            print(f"waiting for {count} of {len(devices)} GPUs", file=sys.stderr, flush=True)
            told = True
        time.sleep(POLL)


def _lock(device: str, stack: ExitStack) -> bool:
    folder = Path(tempfile.gettempdir()) / f"landloom-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file: IO[str] = (folder / re.sub(r"\W", "_", device)).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    stack.callback(file.close)
    return True

"""What SLURM says about itself, its partitions and this folder's jobs."""

import getpass
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from landloom.errors import InputError

RUN = re.compile(r"(.*_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Names of Snakemake's jobs: the id of the run, after a prefix of the profile's."""

UNITS = {"days": 1440, "hours": 60, "minutes": 1}


@dataclass(frozen=True)
class Nodes:
    """Like nodes of one partition.

    Attributes:
        partition: its name.
        default: whether jobs without a partition go there.
        gpus: GPUs of one node.
        memory: MB of one node.
        cpus: CPUs of one node.
        minutes: the partition's time limit; None where there is none.

    """

    partition: str
    default: bool
    gpus: int
    memory: int
    cpus: int
    minutes: float | None


@dataclass(frozen=True)
class Queued:
    """One of this folder's jobs in SLURM's queue."""

    job: str
    state: str
    name: str


def ask(*command: str) -> str:
    """Output of a SLURM command.

    Raises:
        InputError: the command is missing, fails or does not answer within a minute.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise InputError(
            command[0], f"no answer ({error})", "Run this where SLURM's commands work."
        ) from None
    if done.returncode:
        raise InputError(
            " ".join(command), done.stderr.strip() or "it failed", "Ask whether the controller is up."
        )
    return done.stdout


def settings() -> dict[str, str]:
    """``scontrol show config`` as a mapping."""
    lines = [line.partition("=") for line in ask("scontrol", "show", "config").splitlines()]
    return {key.strip(): value.strip() for key, sign, value in lines if sign}


def nodes() -> list[Nodes]:
    """Nodes of all partitions, as ``sinfo`` groups them."""
    rows = [line.split("|") for line in ask("sinfo", "-h", "-e", "-o", "%P|%G|%m|%c|%l").splitlines()]
    return [
        Nodes(p.rstrip("*"), p.endswith("*"), gpus(g), _number(m), _number(c), minutes(t))
        for p, g, m, c, t in rows
    ]


def gpus(gres: str) -> int:
    """GPUs in a gres string such as 'gpu:h100:4(S:0-1),nvme:1'."""
    plain = re.sub(r"\([^)]*\)", "", gres)
    found = [re.fullmatch(r"gpu(?::[^:,]+)?:(\d+)|gpu", item) for item in plain.split(",")]
    return sum(int(m[1] or 1) for m in found if m)


def minutes(limit: str) -> float | None:
    """Minutes in a time limit such as '2-12:00:00', '30:00' or 'infinite'."""
    if not re.fullmatch(r"[\d:-]+", limit):
        return None
    days, _, clock = limit.rpartition("-")
    parts = [int(x) for x in clock.split(":")]
    hours, mins, seconds = ([0, 0, 0, *parts])[-3:]
    return int(days or 0) * UNITS["days"] + hours * UNITS["hours"] + mins + seconds / 60


def preemption() -> dict[str, str]:
    """PreemptMode of each partition."""
    lines = ask("scontrol", "show", "partition", "-o").splitlines()
    pairs = [(re.search(r"PartitionName=(\S+)", x), re.search(r"PreemptMode=(\S+)", x)) for x in lines]
    return {name[1]: mode[1] for name, mode in pairs if name and mode}


def accounts() -> list[str]:
    """Accounts this user may charge."""
    text = ask("sacctmgr", "-n", "-P", "show", "assoc", f"user={getpass.getuser()}", "format=account")
    return sorted(set(text.split()))


def jobs(folder: Path) -> list[Queued]:
    """Jobs that a run of the workflow in ``folder`` left in the queue, running or waiting."""
    rows = ask("squeue", "-h", "-u", getpass.getuser(), "-o", "%i|%T|%j|%Z").splitlines()
    found = [row.split("|", 3) for row in rows]
    here = str(folder.resolve())
    return [Queued(i, s, n) for i, s, n, z in found if RUN.fullmatch(n) and z == here]


def _number(text: str) -> int:
    return int(text.rstrip("+"))

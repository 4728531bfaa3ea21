"""One writer at a time: a lease beside the outputs of a running job.

Snakemake never takes up jobs of a run whose main process died: it submits them again, while the first ones
may still run and would overwrite newer results. Here the second job waits for the first, and a job that was
believed dead but is not loses its lease and throws its result away. Jobs that differ in nothing but their
outputs share a state folder, and take turns at it.
"""

import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

BEAT = 5.0
"""Seconds between signs of life of the holder."""

SILENCE = 90.0
"""Seconds without a sign of life after which a holder on another machine is taken for dead."""


class Lost(RuntimeError):
    """Another job took the lease over; this job's result must not be published."""


class Lease:
    """The right to write one output.

    Attributes:
        path: the lease file, hidden beside the output.
        holder: what the file says of this process: host, process id, SLURM job and a random token.
        waited: whether another job had it first.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(f".{output.name}.lease")
        self.holder = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "job": os.environ.get("SLURM_JOB_ID", ""),
            "token": uuid.uuid4().hex,
        }
        self.waited = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def acquire(self) -> None:
        """Take the lease; waits while another living job holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while not self._create():
            self.waited = self._wait() or self.waited
        self._thread.start()

    def release(self) -> None:
        """Give the lease back, if it is still held."""
        self._stop.set()
        self._thread.join()
        if self.mine():
            self.path.unlink(missing_ok=True)

    def mine(self) -> bool:
        """Whether this process still holds the lease."""
        return _read(self.path) == self.holder

    def insist(self) -> None:
        """Raise Lost when another job has taken the lease over."""
        if not self.mine():
            raise Lost(f"another job took over {self.path.parent}; this result is thrown away")

    def _create(self) -> bool:
        try:
            with self.path.open("x") as f:
                json.dump(self.holder, f)
        except FileExistsError:
            return False
        return True

    def _wait(self) -> bool:
        """Wait for the holder to finish; returns False when it was dead, after removing its lease."""
        first = holder = _read(self.path)
        beat, heard = _touched(self.path), time.monotonic()
        if holder and not _dead_here(holder):
            print(f"waiting for job {name(holder)}, which makes the same output", file=sys.stderr, flush=True)
        while holder == first and self.path.exists():
            now = _touched(self.path)
            if now != beat:
                beat, heard = now, time.monotonic()
            if _dead_here(holder) or time.monotonic() - heard > SILENCE:
                self._remove(holder)
                return False
            time.sleep(min(BEAT, SILENCE) / 5)
            holder = _read(self.path)
        return True

    def _remove(self, dead: dict[str, object]) -> None:
        """Move a dead holder's lease away; a lease that someone took meanwhile is put back."""
        away = self.path.with_name(f"{self.path.name}.{self.holder['token']}")
        try:
            self.path.rename(away)
            if _read(away) != dead:
                os.link(away, self.path)
        except (FileNotFoundError, FileExistsError):
            pass
        away.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            if self.mine():
                os.utime(self.path)


@contextmanager
def hold(output: Path) -> Iterator[Lease]:
    """Hold the lease of an output; waits while another living job holds it."""
    lease = Lease(output)
    lease.acquire()
    try:
        yield lease
    finally:
        lease.release()


@contextmanager
def also(held: Lease, folders: Iterable[Path]) -> Iterator[Callable[[], None]]:
    """Hold state folders, too, which equal jobs share; yields what raises Lost when any lease is gone."""
    with ExitStack() as stack:
        leases = [held, *(stack.enter_context(hold(f)) for f in folders)]

        def insist() -> None:
            for lease in leases:
                lease.insist()

        yield insist


def name(holder: dict[str, object]) -> str:
    """A holder, for people."""
    job = f"{holder['job']}, " if holder.get("job") else ""
    return f"{job}process {holder.get('pid')} on {holder.get('host')}"


def _read(path: Path) -> dict[str, object]:
    """Content of a lease file; empty while it is being written, or gone."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _touched(path: Path) -> float:
    try:
        with path.open() as f:  # opening makes a network file system look again
            return os.fstat(f.fileno()).st_mtime
    except OSError:
        return 0.0


def _dead_here(holder: dict[str, object]) -> bool:
    """Whether the holder ran on this machine and is gone."""
    if holder.get("host") != socket.gethostname():
        return False
    try:
        os.kill(int(str(holder["pid"])), 0)
    except (ProcessLookupError, KeyError, ValueError):
        return True
    except PermissionError:
        return False
    return False

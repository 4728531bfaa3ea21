"""Reads thousands of damaged files: ``python -m tests.fuzz.run --inputs 10000 --seed 0``.

Each is read by the code that users' files go through, in a process with limits of time and memory. Good are
two ends: it is read, or refused by an InputError. All others are *uncaught*: another exception, the death of
the process, more memory or more time than the limit. Input number N of a seed is always the same file.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 30.0
"""Limit of one input, in seconds of work of the process; the machine may be busy with others."""
WAIT = 20 * SECONDS
"""Limit of one input by the clock, and of the start of a process: it may wait for what never comes."""
GOOD = ("read", "refused")
OUTCOMES = (*GOOD, "uncaught", "memory", "crash", "hang")


class Worker:
    """A process that reads inputs, one at a time; a new one takes the place of one that died."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.seed = root, seed
        root.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[str] | None = None

    def ask(self, number: int) -> dict[str, Any]:
        """What happened to an input."""
        process = self.process = self.process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        line = answer(process)
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        self.close()
        said = self._log().read_text(errors="replace")[-2000:]
        end = "hang" if line is None else "crash"
        return {"number": number, "outcome": end, "said": f"exit {process.returncode}\n{said}"} | self._about(
            number
        )

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _started(self) -> "subprocess.Popen[str]":
        here = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "workflow")])}
        here |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        with self._log().open("w") as log:
            process = subprocess.Popen(
                command(self.root, self.seed), cwd=ROOT, env=here, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        if not answer(process):
            raise RuntimeError(f"the process does not start:\n{self._log().read_text()}")
        return process

    def _log(self) -> Path:
        return self.root / "worker.log"

    def _about(self, number: int) -> dict[str, str]:
        """Kind and target of an input whose process did not live to say it."""
        from tests.fuzz import worker

        target, _ = worker.drawn(number, self.seed)
        return {"kind": target.kind, "target": target.name, "file": "?"}


def command(root: Path, seed: int) -> list[str]:
    """The command of a process that reads."""
    return [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.worker", str(root), str(seed)]


def answer(process: "subprocess.Popen[str]") -> str | None:
    """The next line of a process; empty if it died, None if it worked, or was silent, for too long."""
    assert process.stdout is not None
    worked, asked = cpu_seconds(process.pid), time.monotonic()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while not ready.select(1.0):
            if cpu_seconds(process.pid) - worked > SECONDS or time.monotonic() - asked > WAIT:
                return None
    return process.stdout.readline()


def cpu_seconds(pid: int) -> float:
    """Seconds that a process has worked."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it is gone, and its answer ends
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def results(root: Path, numbers: Sequence[int], seed: int) -> Iterator[dict[str, Any]]:
    """Yield what happened to each input."""
    worker = Worker(root, seed)
    try:
        for number in numbers:
            yield worker.ask(number)
    finally:
        worker.close()


def table(found: Sequence[dict[str, Any]]) -> str:
    """Counts by kind and outcome, as Markdown."""
    counts = Counter((r["kind"], r["outcome"]) for r in found)
    rows = [[k, *(counts[k, o] for o in OUTCOMES)] for k in sorted({r["kind"] for r in found})]
    rows.append(["all", *(sum(int(row[i]) for row in rows) for i in range(1, len(OUTCOMES) + 1))])
    head = ["kind", "inputs", *OUTCOMES]
    lines = [[row[0], sum(map(int, row[1:])), *row[1:]] for row in rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, ["---"] * len(head), *lines])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and what was not caught; returns 1 if anything was not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+", help="numbers of inputs, to look at some again")
    parser.add_argument(
        "--keep", type=Path, help="folder for the files, which keeps those that were not caught"
    )
    given = parser.parse_args(arguments)
    start, numbers = time.monotonic(), given.only or range(given.inputs)
    with tempfile.TemporaryDirectory() as own:
        found = list(_told(results(given.keep or Path(own), numbers, given.seed), len(numbers)))
    bad = [r for r in found if r["outcome"] not in GOOD]
    print(table(found))
    print(
        f"\n{len(found)} inputs of seed {given.seed} in {time.monotonic() - start:.0f} s, {len(bad)} uncaught"
    )
    return 1 if bad else 0


def _told(found: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """Print what was not caught, and how far it got."""
    for i, row in enumerate(found, 1):
        if row["outcome"] not in GOOD:
            where = f"{row['kind']}, {row['target']}, {row['file']}"
            print(f"\ninput {row['number']}, {row['outcome']}: {where}\n{row['said']}", flush=True)
        if i % 1000 == 0:
            print(f"{i} of {count}", file=sys.stderr, flush=True)
        yield row


if __name__ == "__main__":
    sys.exit(main())

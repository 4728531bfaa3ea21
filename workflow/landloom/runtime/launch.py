"""Run a stage in this process, or its training in several processes that share each batch.

Several processes are started by torchrun, one per GPU (plain CPU processes where there is none). This process
waits for them, hands stop signals on, and keeps the outputs' names: only the first worker's files count.
"""

import contextlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import psutil

from landloom.config.run import RunConfig
from landloom.config.section import Section
from landloom.errors import InputError, Interrupted
from landloom.runtime import command_line, determinism, signals, tracing
from landloom.runtime.importing import importing, with_torch

WORKER = "landloom.runtime.launch"
"""Module that a worker runs, by which it is told from other processes."""

LOOK = 1.0
"""Seconds between looks for workers that have not ended, or were started, after a stop signal."""


def run(name: str, module: ModuleType, values: dict[str, Any]) -> None:
    """Run a stage with parsed arguments.

    Raises:
        InputError: the workers reported wrong input, or one of them failed.
        Interrupted: a stop signal came; the state is saved.
    """
    count = getattr(values.get("config"), "processes", 1)
    if count == 1:
        compute(module, values)
        return
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    with tempfile.TemporaryDirectory() as folder:
        # Behind "--" torchrun does not take our options for shortened ones of its own.
        worker = ["-m", "--", WORKER, name, *command_line.arguments(module.run, values, Path(folder))]
        code, stopped = _wait(subprocess.Popen([*command, *worker], start_new_session=True))
    if code and stopped:
        raise Interrupted
    if code:
        raise InputError(name, f"one of {count} processes failed", "Read its message above.")


def _wait(launcher: subprocess.Popen[bytes]) -> tuple[int, bool]:
    """Wait for torchrun; stop signals go to its workers. Returns the exit code and whether one came.

    Before there are workers there is nothing to save, so torchrun itself is ended. Workers that it starts all
    the same are told when they are seen.
    """
    asked = False

    def hand_on(number: int = 0, frame: FrameType | None = None) -> None:
        nonlocal asked
        found = _workers(launcher.pid) or ([] if asked else [launcher])
        asked = True
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)

    previous = {s: signal.signal(s, hand_on) for s in signals.SIGNALS}
    try:
        if signals.asked():  # before this function was there to hear it
            hand_on()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return launcher.wait(LOOK), asked
            if asked:
                hand_on()
    finally:
        if launcher.poll() is None:  # Ctrl-C
            launcher.terminate()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _workers(launcher: int) -> list[psutil.Process]:
    """Workers among the children of torchrun; none before it has started them."""
    found = psutil.process_iter(["ppid", "cmdline"])
    return [p for p in found if p.info["ppid"] == launcher and WORKER in (p.info["cmdline"] or [])]


def work() -> None:
    """Entry point of one worker; the outputs of all but the first go to a folder that is removed."""
    import importlib
    import os

    signals.watch()  # first: reading the module takes seconds
    name = sys.argv[1]
    with importing():
        module = importlib.import_module(f"landloom.stages.{name}")
    values = vars(command_line.parser(name, module.run).parse_args(sys.argv[2:]))
    if os.environ["RANK"] == "0":
        compute(module, values)
        return
    with tempfile.TemporaryDirectory() as folder:
        for key, files in command_line.paths(module.run, values, "output").items():
            values[key] = Path(folder) / files[0].name
        compute(module, values)


def compute(module: ModuleType, values: dict[str, Any]) -> None:
    """Run a stage with as many CPU threads as its section says, whatever the machine has.

    Sums are then taken in the same order everywhere, and one config gives one result.

    Raises:
        InputError: the GPU's memory is too small for what the section asks for.
    """
    config, how = values.get("config"), values.get("run") or RunConfig.found()

    def prepare(torch: ModuleType) -> None:
        if isinstance(config, Section):
            torch.set_num_threads(config.cpus // getattr(config, "processes", 1))
        if how.deterministic:
            determinism.choose(torch, "cuda", how)

    with_torch(prepare)
    try:
        with tracing.traced(tracing.place(_first_output(module, values)) if how.profile else None):
            module.run(**values)
    except Exception as error:
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(error, torch.OutOfMemoryError):
            raise
        stage, found = module.__name__.rpartition(".")[2], f"out of GPU memory ({error})"
        remedy = "Lower its batch, or see docs/how-to/workstation.md for what makes it smaller"
        raise InputError(stage, found, remedy) from None


def _first_output(module: ModuleType, values: dict[str, Any]) -> Path:
    """The first output of a stage, as it is called while it is written."""
    return next(iter(command_line.paths(module.run, values, "output").values()))[0]


if __name__ == "__main__":
    work()

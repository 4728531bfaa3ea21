"""Trainings over two CPU processes: same weights on resume, one set of outputs."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from landloom.config.run import RunConfig
from landloom.errors import Interrupted
from landloom.provenance import records
from landloom.runtime import command_line, determinism, launch, signals
from landloom.stages import base
from tests import bases


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return bases.data(tmp_path_factory.mktemp("data"))


def command(tiny: dict[str, Any], folder: Path, batch: int = 4) -> list[str]:
    config = (
        f'{{"processes": 2, "threads": 1, "vae": {{"channels": [8, 16], "steps": 40, "batch": {batch}}},'
        ' "unet": {"channels": [16, 32], "groups": 8, "head": 16, "text_width": 16, "steps": 6, "batch": 4}}'
    )
    files = ["--statistics", str(tiny["statistics"]), "--tiles", *map(str, tiny["tiles"])]
    files += ["--captions", *map(str, tiny["captions"])]
    outs = [
        "--out",
        str(folder / "base"),
        "--vae-metrics",
        str(folder / "v.jsonl"),
        "--unet-metrics",
        str(folder / "u.jsonl"),
    ]
    how = RunConfig(log=0, checkpoint=0.02).model_dump_json()  # processes do not agree on when that is
    words = ["--config", config, "--seed", "1", "--run", how, "--state", str(folder / "state"), *files, *outs]
    return [sys.executable, "-m", "landloom", "base", *words]


def test_two_processes_share_a_training_and_resume_to_the_same_bytes(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    subprocess.run(command(tiny, tmp_path / "whole"), check=True)
    process = subprocess.Popen(command(tiny, tmp_path / "cut"), start_new_session=True)
    end = time.monotonic() + 120
    while not list((tmp_path / "cut").rglob("checkpoint.pt")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() == 75
    assert not (tmp_path / "cut/base").exists()
    subprocess.run(command(tiny, tmp_path / "cut"), check=True)
    assert records.digest(tmp_path / "cut/base") == records.digest(tmp_path / "whole/base")


SLEEP = "import time; time.sleep(60)"
PARENT = (
    "import subprocess, sys; sys.exit(bool(subprocess.run([sys.executable, '-c', *sys.argv[1:]]).returncode))"
)


def told(children: int, *words: str) -> tuple[int, bool]:
    """What comes of a signal to this process while it waits for a launcher that has as many children."""
    process = subprocess.Popen([sys.executable, "-c", *words], start_new_session=True)
    here, before = threading.get_ident(), signal.getsignal(signal.SIGUSR1)

    def send() -> None:
        while (
            signal.getsignal(signal.SIGUSR1) is before
            or sum(SLEEP in c.cmdline() for c in psutil.Process(process.pid).children()) < children
        ):
            time.sleep(0.001)
        signal.pthread_kill(here, signal.SIGUSR1)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        return launch._wait(process)
    finally:
        thread.join()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_a_signal_before_there_are_workers_ends_the_launcher() -> None:
    assert told(0, SLEEP) == (-signal.SIGTERM, True)
    assert told(1, PARENT, SLEEP, "helper") == (-signal.SIGTERM, True)


def test_a_signal_reaches_the_workers_and_not_the_launcher() -> None:
    assert told(1, PARENT, SLEEP, launch.WORKER) == (1, True)


def test_a_signal_before_the_launcher_is_there_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_asked", True)
    assert launch._wait(subprocess.Popen([sys.executable, "-c", SLEEP])) == (-signal.SIGTERM, True)


HASTY = """
import os, signal, subprocess, sys
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
os.kill(os.getppid(), signal.SIGUSR1)  # before there is a worker
while not told:
    signal.pause()
if sys.argv[1] == "obeys":
    sys.exit(1)
sys.exit(bool(subprocess.run([sys.executable, "-c", *sys.argv[2:]]).returncode))
"""
"""A launcher that has its parent told to stop before there is a worker; one kind starts it all the same."""


@pytest.mark.parametrize("kind", ["obeys", "starts a worker"])
def test_a_stop_before_there_are_workers_is_never_lost(
    kind: str, tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is slower, and whatever torchrun makes of its own signal: run again, not an error."""
    words = [sys.executable, "-c", HASTY, kind, SLEEP, launch.WORKER]
    start = subprocess.Popen
    monkeypatch.setattr(launch.subprocess, "Popen", lambda command, **more: start(words, **more))
    monkeypatch.setattr(launch, "LOOK", 0.05)
    monkeypatch.setattr(signals, "_asked", False)
    before = signals.watch()  # as a stage does first
    try:
        given = command(tiny, tmp_path)[4:]
        values = vars(command_line.parser("base", base.run).parse_args(given))
        with pytest.raises(Interrupted):
            launch.run("base", base, values)
    finally:
        signals.restore(before)


def test_the_run_chooses_deterministic_algorithms_for_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for stages that only ask networks; they read it from their environment."""
    seen = []

    class Stage:
        @staticmethod
        def run(**values: Any) -> None:
            seen.append((torch.are_deterministic_algorithms_enabled(), os.environ.get(determinism.WORKSPACE)))

    before = torch.are_deterministic_algorithms_enabled()
    monkeypatch.delenv(RunConfig.VARIABLE, raising=False)
    monkeypatch.setenv(determinism.WORKSPACE, "")  # so that it is put back
    monkeypatch.delenv(determinism.WORKSPACE)
    torch.use_deterministic_algorithms(False)
    try:
        launch.compute(Stage, {})  # type: ignore[arg-type]
        monkeypatch.setenv(RunConfig.VARIABLE, '{"deterministic": true}')
        launch.compute(Stage, {})  # type: ignore[arg-type]
    finally:
        torch.use_deterministic_algorithms(before)
    assert seen == [(False, None), (True, ":4096:8")]


@pytest.mark.parametrize(
    ("device", "asked", "chosen"), [("cpu", False, True), ("cuda", False, False), ("cuda", True, True)]
)
def test_trainings_are_deterministic_on_cpus_always_and_on_gpus_where_asked(
    device: str, asked: bool, chosen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(determinism.WORKSPACE, ":16:8")
    before = torch.are_deterministic_algorithms_enabled()
    determinism.choose(torch, device, RunConfig(deterministic=asked))
    try:
        assert torch.are_deterministic_algorithms_enabled() is chosen
        assert os.environ[determinism.WORKSPACE] == ":16:8"  # who set it knows better
    finally:
        torch.use_deterministic_algorithms(before)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_machines_cores_do_not_change_the_result(
    tiny: dict[str, Any], tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads come from the config, whatever the job was given."""
    seen = []
    for given in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        words = command(tiny, tmp_path / given)
        at = words.index("--config") + 1
        words[at] = words[at].replace('"processes": 2, "threads": 1', f'"threads": {threads}')
        subprocess.run(words, check=True)
        seen.append(records.digest(tmp_path / given / "base"))
    assert seen[0] == seen[1]


def test_a_batch_that_cannot_be_shared_is_named(tiny: dict[str, Any], tmp_path: Path) -> None:
    done = subprocess.run(command(tiny, tmp_path, batch=3), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a batch of 3 cannot be shared by 2 processes" in done.stderr

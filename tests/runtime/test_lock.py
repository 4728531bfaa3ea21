import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from landloom.runtime import lock

STATEFUL = """
import sys, time, types
from pathlib import Path
from landloom import __main__
from landloom.runtime.command_line import Out, State

def run(state: State, out: Out) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / "busy").touch(exist_ok=False)
    while not Path("go").exists():
        time.sleep(0.05)
    (state / "busy").unlink()
    out.write_text("done")

stage = types.ModuleType("landloom.stages.stateful")
stage.VERSION, stage.KEEP, stage.run = 1, False, run
sys.modules[stage.__name__] = stage
__main__.execute("stateful", ["--state", "state", "--out", sys.argv[1]])
"""
"""A stage that must have its state folder to itself."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.1)
    monkeypatch.setattr(lock, "SILENCE", 0.6)


def test_a_lease_is_taken_and_given_back(tmp_path: Path) -> None:
    with lock.hold(tmp_path / "folder/out") as held:
        assert held.mine()
        held.insist()
        assert held.path.name == ".out.lease"
    assert not held.path.exists()
    assert not held.waited


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        with lock.hold(tmp_path / "out") as held:
            order.append(("second", held.waited))

    with lock.hold(tmp_path / "out"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(1.0)  # longer than SILENCE: beats keep the lease
        order.append(("first", False))
    thread.join()
    assert order == [("first", False), ("second", True)]


def test_equal_jobs_with_other_outputs_take_turns_at_their_state(tmp_path: Path) -> None:
    def start(out: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", STATEFUL, out]
        return subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)

    first = start("a")
    while not list(tmp_path.rglob("busy")):
        assert first.poll() is None
        time.sleep(0.02)
    second = start("b")
    assert second.stderr is not None
    line = second.stderr.readline()
    (tmp_path / "go").touch()
    codes = first.wait(60), second.wait(60)
    assert line.startswith("waiting for job")
    assert codes == (0, 0)


def test_the_lease_of_a_process_that_was_killed_here_is_taken_at_once(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom landloom.runtime import lock\n"
        "lock.Lease(Path(sys.argv[1])).acquire(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert (tmp_path / ".out.lease").exists()
    start = time.monotonic()
    with lock.hold(tmp_path / "out") as held:
        assert not held.waited
    assert time.monotonic() - start < lock.SILENCE


def foreign(path: Path) -> None:
    holder = {"host": "elsewhere", "pid": os.getpid(), "job": "7", "token": "x"}
    path.write_text(json.dumps(holder))


def test_a_silent_holder_elsewhere_is_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign(tmp_path / ".out.lease")
    start = time.monotonic()
    with lock.hold(tmp_path / "out"):
        assert time.monotonic() - start >= lock.SILENCE
    assert "waiting for job 7, process" in capsys.readouterr().err


def test_who_lost_the_lease_may_not_publish(tmp_path: Path) -> None:
    with lock.hold(tmp_path / "out") as held:
        foreign(held.path)
        with pytest.raises(lock.Lost, match="thrown away"):
            held.insist()
    assert held.path.exists()  # the other's lease stays


def test_names_are_for_people() -> None:
    holder: dict[str, object] = {"host": socket.gethostname(), "pid": 3, "job": "12"}
    assert lock.name(holder) == f"12, process 3 on {socket.gethostname()}"

"""A server that a job starts for itself: there when it is needed, gone with the job, its faults told."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from landloom.captioning.problems import problems
from landloom.captioning.server import Server
from landloom.captioning.store import Store
from landloom.config.caption import CaptionConfig
from landloom.errors import InputError, Interrupted
from tests.captioning.conftest import Scene, settings
from tests.captioning.test_endpoint import start, wait
from tests.chat import GOOD
from tests.rasters import ROOT

SERVE = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.chat import ChatServer
notes = Path({notes!r})
with (notes / "started").open("a") as file:
    print(os.getpid(), file=file)
print("loading the model", flush=True)
{before}
def say(number, body):
    with (notes / "asked").open("a") as file:
        print(number, file=file)
    {each}
    return {good!r}
server = ChatServer(say)
server.port = int(sys.argv[1])
with server:
    time.sleep(600)
"""


def served(folder: Path, before: str = "", each: str = "", **endpoint: Any) -> CaptionConfig:
    """Config whose server notes its process and its questions in ``folder``."""
    folder.mkdir(exist_ok=True)
    script = folder / "serve.py"
    given = {"root": str(ROOT), "notes": str(folder), "before": before, "each": each, "good": GOOD}
    script.write_text(SERVE.format(**given))
    command = [sys.executable, str(script), "{port}"]
    return settings("", endpoint={"serve": command, "start": 30} | endpoint)


def lines(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def test_it_answers_and_is_gone_at_the_end(scene: Scene, tmp_path: Path) -> None:
    table = scene.make(300).caption(served(tmp_path / "server"))  # more than a chunk: still one server
    assert table["caption"].tolist() == [GOOD] * 300
    (process,) = lines(tmp_path / "server/started")
    assert not alive(process)


def test_nothing_is_started_when_all_answers_are_there(scene: Scene, tmp_path: Path) -> None:
    config = served(tmp_path / "server")
    scene.caption(config)
    scene.caption(config)
    assert len(lines(tmp_path / "server/started")) == 1


def test_after_one_that_died_half_way_every_tile_is_captioned_once(scene: Scene, tmp_path: Path) -> None:
    notes = tmp_path / "server"
    die = f"if number == 6 and not os.path.exists({str(notes / 'died')!r}):\n"
    die += f"        open({str(notes / 'died')!r}, 'w'); print('out of memory', flush=True); os._exit(3)"
    config = served(notes, each=die, concurrency=1)
    scene.make(12)
    with pytest.raises(InputError, match="ended with code 3; it said: loading the model\nout of memory"):
        scene.caption(config)
    assert len(Store(scene.store).answers) == 6
    table = scene.caption(config)
    assert table["caption"].tolist() == [GOOD] * 12
    assert len(scene.store.read_text().splitlines()) == 12
    assert len(lines(notes / "asked")) == 13  # the one under way when it died was asked again


def test_it_is_not_left_behind_by_a_killed_job(scene: Scene, tmp_path: Path) -> None:
    notes = tmp_path / "server"
    job = start(scene, served(notes, each="time.sleep(0.5)"))
    wait(lambda: bool(lines(notes / "asked")))
    job.send_signal(signal.SIGKILL)
    job.wait()
    (process,) = lines(notes / "started")
    wait(lambda: not alive(process))


def test_a_signal_that_ends_job_and_server_is_no_fault_of_the_server(scene: Scene, tmp_path: Path) -> None:
    notes = tmp_path / "server"
    job = start(scene, served(notes, each="time.sleep(1)"))
    wait(lambda: bool(lines(notes / "asked")))
    job.send_signal(signal.SIGTERM)  # as SLURM does before the time limit: to every process
    os.kill(lines(notes / "started")[0], signal.SIGKILL)
    assert job.wait(30) == Interrupted.CODE


def test_the_signal_may_reach_the_server_first(tmp_path: Path) -> None:
    """A busy job learns of a signal later than its server, which is gone by then."""
    server = Server(served(tmp_path / "server").endpoint)
    server.output = tempfile.TemporaryFile()  # noqa: SIM115
    server.process = subprocess.Popen(["true"])
    server.process.wait()
    asked = iter([False, False, True])
    with pytest.raises(Interrupted):
        server.look(lambda: next(asked))
    with pytest.raises(InputError, match="ended with code 0; it said: nothing"):
        server.look(lambda: False)


def test_one_that_ends_at_once_is_told(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ended with code 7; it said: loading the model"):
        scene.caption(served(tmp_path / "server", before="sys.exit(7)"))


def test_one_that_never_answers_is_given_up_and_ended(scene: Scene, tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(InputError, match="did not answer within 8 s; it said: loading the model"):
        scene.caption(served(tmp_path / "server", before="time.sleep(600)", start=8))
    assert time.monotonic() - begin < 40
    (process,) = lines(tmp_path / "server/started")
    assert not alive(process)


def test_a_command_that_is_not_there_is_found_before_any_job() -> None:
    (found,) = problems(settings("", endpoint={"serve": ["vllm-of-nobody", "{port}"]}))
    assert "caption.endpoint.serve: the command 'vllm-of-nobody' is not found" in str(found)
    assert problems(settings("", endpoint={"serve": [sys.executable, "{port}"]})) == []


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ({"url": "http://127.0.0.1:1/v1", "serve": ["vllm", "{port}"]}, "url and serve exclude each other"),
        ({"serve": ["vllm", "serve"]}, "serve must say {port}"),
        ({"serve": []}, "needs endpoint.url or endpoint.serve"),
    ],
)
def test_settings_that_make_no_sense_are_refused(endpoint: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("{", r"\{")):
        settings("", endpoint=endpoint)

"""A server with faults: every tile is captioned once, nothing is lost, nothing is paid twice."""

import json
import os
import signal
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
import pytest

from landloom.captioning.endpoint import key
from landloom.captioning.problems import problems
from landloom.captioning.store import Store
from landloom.errors import InputError
from tests import bases
from tests.captioning.conftest import Scene, settings
from tests.chat import GOOD, ChatServer, Fault, completion
from tests.rasters import ROOT


def faulty(faults: list[Fault]) -> ChatServer:
    """A server whose first answers are faults."""
    return ChatServer(lambda n, body: faults[n] if n < len(faults) else f"{GOOD} Number {n}.")


def test_each_tile_is_shown_once_and_gets_its_caption(scene: Scene) -> None:
    with ChatServer(lambda n, body: f"{GOOD} Number {n}.") as server:
        table = scene.caption(settings(server.url))
    assert len(table) == len({s.image for s in server.paid}) == 5
    assert table["caption"].str.startswith(GOOD).all()
    assert table["caption"].is_unique
    assert table["prompt"].str.startswith("segmentation map, ").all()
    assert {s.side for s in server.paid} == {(32, 32, 3)}
    assert server.bodies[0]["model"] == "tiny"
    assert server.bodies[0]["max_tokens"] == 200


def test_the_prompt_holds_ratios_and_legend(scene: Scene) -> None:
    with ChatServer() as server:
        scene.caption(settings(server.url, prompt="{classes} | {ratios} | {language} | {words}"))
    first = server.paid[0].prompt.split(" | ")
    assert (first[0], first[2], first[3]) == ("a, b, c", "English", "45")
    assert "% " in first[1]


def test_concurrency_is_bounded(scene: Scene) -> None:
    def slow(number: int, body: dict[str, Any]) -> str:
        time.sleep(0.05)
        return GOOD

    with ChatServer(slow) as server:
        scene.make(12).caption(settings(server.url, endpoint={"concurrency": 4}))
    assert 1 < server.most_busy <= 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500),
        Fault(503, "<html>busy</html>"),
        Fault(429, headers={"Retry-After": "0.02"}),
        Fault(200, "{not json"),
        Fault(200, '{"choices": []}'),
        Fault(200, "[]"),
        Fault(hang_up=True),
    ],
    ids=["500", "503", "429", "malformed", "no choices", "a list", "hang-up"],
)
def test_a_passing_fault_is_tried_again(
    scene: Scene, fault: Fault, capfd: pytest.CaptureFixture[str]
) -> None:
    with faulty([fault] * 2) as server:
        table = scene.caption(settings(server.url))
    assert table["caption"].str.startswith(GOOD).all()
    assert (server.count, len(server.paid)) == (7, 5)
    assert "try 2 in" in capfd.readouterr().err


def test_a_time_out_is_tried_again(scene: Scene) -> None:
    with faulty([Fault(sleep=1)]) as server:
        table = scene.caption(settings(server.url, endpoint={"timeout": 0.3}))
    assert (len(table), server.count, len(server.paid)) == (5, 6, 5)


@pytest.mark.parametrize("asked", ["0.6", "date"])
def test_the_server_says_how_long_to_wait(scene: Scene, asked: str) -> None:
    later = formatdate(time.time() + 2, usegmt=True) if asked == "date" else asked
    with faulty([Fault(429, headers={"Retry-After": later})]) as server:
        scene.make(1).caption(settings(server.url))
    assert server.times[1] - server.times[0] > 0.55


def test_waiting_has_an_end(scene: Scene) -> None:
    with faulty([Fault(429, headers={"Retry-After": "9999"})]) as server:
        scene.caption(settings(server.url, endpoint={"longest_wait": 0.1}))
    assert len(server.paid) == 5


def test_tries_come_later_and_later(scene: Scene) -> None:
    with faulty([Fault()] * 4) as server:
        scene.make(1).caption(settings(server.url, endpoint={"backoff": 0.1}))
    gaps = [b - a for a, b in zip(server.times, server.times[1:], strict=False)]
    assert [gap >= least for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.8), strict=True)] == [True] * 4


def test_giving_up_names_the_tries_and_keeps_what_came(scene: Scene) -> None:
    with (
        ChatServer(lambda n, body: GOOD if n < 3 else Fault(502, "bad gateway")) as server,
        pytest.raises(InputError, match="gave up after 2 tries: status 502: bad gateway"),
    ):
        scene.caption(settings(server.url, endpoint={"attempts": 2, "concurrency": 1}))
    assert not (scene.folder / "captions.parquet").exists()
    assert len(Store(scene.store).answers) == len(server.paid) == 3


def test_a_refused_request_is_not_tried_again(scene: Scene) -> None:
    with (
        ChatServer(lambda *_: Fault(404, '{"error": {"message": "no model tiny"}}')) as server,
        pytest.raises(InputError, match=r"refused with status 404: .*no model tiny"),
    ):
        scene.caption(settings(server.url, endpoint={"concurrency": 1}))
    assert server.count == 1


def test_a_server_that_dies_half_way(scene: Scene) -> None:
    """The job gives up; started again beside a server that lives, it finishes: each tile once."""
    scene.make(20)

    def dying(number: int, body: dict[str, Any]) -> str | Fault:
        return f"{GOOD} Number {number}." if number < 9 else Fault(hang_up=True)

    server = ChatServer(dying)
    with server, pytest.raises(InputError, match=r"gave up after 2 tries: \w+: "):
        scene.caption(settings(server.url, endpoint={"attempts": 2}))
    with pytest.raises(InputError, match="gave up after 2 tries: ConnectError"):
        scene.caption(settings(server.url, endpoint={"attempts": 2}))
    assert len(server.paid) == 9
    server.reply = lambda n, body: f"{GOOD} Number {n}."
    with server:
        # Another setting of the client is another fingerprint, yet the answers are found.
        table = scene.caption(settings(server.url, endpoint={"attempts": 3, "timeout": 4}))
    assert len(server.paid) == len({s.image for s in server.paid}) == 20
    assert table["caption"].is_unique
    assert len(table) == 20


def test_a_killed_job_pays_nothing_twice(scene: Scene) -> None:
    scene.make(20)

    def slow(number: int, body: dict[str, Any]) -> str:
        time.sleep(0.03 if number < 8 else 2.0)
        return f"{GOOD} Number {number}."

    with ChatServer(slow) as server:
        config = settings(server.url)
        process = start(scene, config)
        wait(lambda: scene.store.exists() and len(scene.store.read_text().splitlines()) >= 8)
        process.kill()
        process.wait()
        kept = {s.image for s in server.paid[:8]}
        server.reply = lambda n, body: f"{GOOD} Number {n}."
        scene.store.write_text(scene.store.read_text() + '{"key": "cut sho')
        server.paid.clear()
        table = scene.caption(config)
    asked = [s.image for s in server.paid]
    assert not kept & set(asked)  # what was under way at the kill is asked for again, what had come is not
    assert table["caption"].is_unique
    assert len(table) == 20


def test_a_stopped_job_saves_what_is_under_way(scene: Scene) -> None:
    """SIGTERM: requests under way are paid, so they are waited for; no other is begun; exit code 75."""
    scene.make(20)

    def slow(number: int, body: dict[str, Any]) -> str:
        time.sleep(0.5)
        return f"{GOOD} Number {number}."

    with ChatServer(slow) as server:
        process = start(scene, settings(server.url))
        wait(lambda: server.count >= 5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 75
        assert len(Store(scene.store).answers) == len(server.paid) == server.count < 12
        server.reply = lambda n, body: f"{GOOD} Number {n}."
        scene.caption(settings(server.url))
    assert len(server.paid) == len({s.image for s in server.paid}) == 20


def start(scene: Scene, config: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "landloom", "caption", *bases.arguments(**scene.job(config))]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})


def wait(done: Any) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_tiles_that_moved_to_another_shard_are_not_asked_for_again(scene: Scene) -> None:
    with ChatServer() as server:
        scene.caption(settings(server.url))
        scene.tiles = scene.tiles.rename(scene.tiles.with_name("elsewhere.parquet"))
        table = scene.caption(settings(server.url, reject=["volcano"]))  # or the job itself is known
    assert server.count == 5
    assert table["caption"].tolist() == [GOOD] * 5


def test_equal_tiles_are_asked_for_once(scene: Scene) -> None:
    from landloom.data import samples

    tile = next(samples.read([scene.tiles]))
    samples.write(scene.tiles, [tile, tile])
    with ChatServer() as server:
        assert len(scene.caption(settings(server.url))) == 2
    assert len(server.paid) == 1


def test_a_shared_folder_serves_another_run(scene: Scene, tmp_path: Path) -> None:
    with ChatServer() as server:
        config = settings(server.url, cache=str(tmp_path / "shared"))
        first = scene.caption(config)
        second = Scene(tmp_path / "other").make().caption(config)
    assert len(server.paid) == 5
    pd.testing.assert_frame_equal(first, second)


def test_another_prompt_or_model_is_another_question(scene: Scene) -> None:
    with ChatServer() as server:
        for changes in ({}, {"prompt": "What is here?"}, {"endpoint": {"model": "large"}}, {}):
            scene.caption(settings(server.url, **changes))
    assert len(server.paid) == 15


SECRET = "sk-4f1c2a-very-secret"


def test_the_key_is_sent_and_stands_nowhere(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    with ChatServer(lambda n, body: f"{GOOD} {SECRET}" if n else Fault(500, SECRET), SECRET) as server:
        scene.caption(settings(server.url, endpoint={"key": "MY_KEY"}))
        monkeypatch.setenv("MY_KEY", SECRET + "x")
        with pytest.raises(InputError, match=r"status 401: .*wrong: Bearer \[key\]") as error:
            scene.caption(settings(server.url, endpoint={"key": "MY_KEY"}, prompt="Look."))
    assert SECRET not in str(error.value)
    output = capfd.readouterr()
    assert "500: [key]" in output.err
    assert SECRET not in output.out + output.err
    files = [p for p in scene.folder.rglob("*") if p.is_file()]
    assert {".jsonl", ".json", ".parquet"} <= {p.suffix for p in files}
    assert [p for p in files if SECRET.encode() in p.read_bytes()] == []


def test_the_key_is_not_in_what_a_broken_connection_says(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise httpx2.LocalProtocolError(f"illegal header Bearer {SECRET}")

    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.setattr(httpx2.Client, "post", broken)
    monkeypatch.setattr(httpx2.Client, "get", broken)
    config = settings("http://127.0.0.1:9/v1", endpoint={"key": "MY_KEY", "attempts": 2, "backoff": 0.01})
    with pytest.raises(InputError, match=r"illegal header Bearer \[key\]") as error:
        scene.caption(config)
    (found,) = problems(config)
    assert r"illegal header Bearer [key]" in str(found)
    assert SECRET not in str(error.value) + str(found) + capfd.readouterr().err


def test_a_key_that_is_not_set(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(InputError, match=r"endpoint\.key: the environment variable MY_KEY is not set"):
        scene.caption(settings("http://127.0.0.1:9/v1", endpoint={"key": "MY_KEY"}))


@pytest.mark.parametrize("wrong", ["sk-1\nPART-2", "sk-\u00e9t\u00e9", "a\x00b"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {"MY_KEY": wrong})
    config = settings("http://127.0.0.1:9/v1", endpoint={"key": "MY_KEY"}).endpoint
    with pytest.raises(InputError, match=r"endpoint\.key: the environment variable MY_KEY holds") as error:
        key(config)
    assert wrong not in str(error.value)
    assert "PART-2" not in str(error.value)


def test_the_address_may_stand_in_a_file(scene: Scene) -> None:
    place = scene.folder / "server.txt"
    with ChatServer() as server:
        place.write_text(server.url + "\n")
        assert len(scene.caption(settings(str(place)))) == 5
    place.write_text("")
    assert len(scene.caption(settings(str(place)))) == 5  # nothing is left to ask
    with pytest.raises(InputError, match="neither a URL nor a file that holds one"):
        scene.caption(settings(str(place), prompt="What is here?"))


def test_fields_of_the_request_can_be_added_and_taken_away(scene: Scene) -> None:
    extra = {"max_tokens": None, "max_completion_tokens": 50, "seed": 3}
    with ChatServer() as server:
        scene.make(1).caption(settings(server.url, endpoint={"extra": extra}))
    assert "max_tokens" not in server.bodies[0]
    assert (server.bodies[0]["max_completion_tokens"], server.bodies[0]["seed"]) == (50, 3)


def test_tokens_are_counted_once(scene: Scene) -> None:
    with ChatServer() as server:
        for _ in range(2):
            scene.caption(settings(server.url))
            usage = json.loads((scene.folder / "captions.json").read_text())["usage"]
            assert usage == {"answers": 5, "input_tokens": 500, "output_tokens": 100}
    lines = [json.loads(line) for line in scene.store.read_text().splitlines()]
    assert [(r["input_tokens"], r["output_tokens"]) for r in lines] == [(100, 20)] * 5


def test_a_refusal_field_is_a_bad_caption(scene: Scene) -> None:
    body = json.loads(completion(""))
    body["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I'm sorry."}
    with (
        ChatServer(lambda *_: Fault(200, json.dumps(body))) as server,
        pytest.raises(InputError, match=r"no good caption after two tries \(refusal\): 'I'm sorry\.'"),
    ):
        scene.caption(settings(server.url))

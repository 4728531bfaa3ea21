"""Asking once more, falling back, and who is shown to the model at all."""

import json
from typing import Any

import pytest

from landloom.captioning.writing import LANGUAGES, words
from landloom.config.caption import CaptionConfig
from landloom.errors import InputError
from tests.captioning.conftest import Scene, settings
from tests.chat import GOOD, ChatServer

REFUSAL = "I'm sorry, I can't help with that."


def by_prompt(first: str, second: str) -> ChatServer:
    """A server that says one thing to the prompt, another to the stricter one."""

    def reply(number: int, body: dict[str, Any]) -> str:
        return second if "one short" in body["messages"][0]["content"][1]["text"] else first

    return ChatServer(reply)


def summary(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((scene.folder / "captions.json").read_text())
    return found


def test_a_bad_caption_is_asked_for_once_more(scene: Scene) -> None:
    with by_prompt(REFUSAL, f"  {GOOD}\n") as server:
        table = scene.caption(settings(server.url))
    assert table["caption"].tolist() == [GOOD] * 5
    assert len(server.paid) == 10
    assert "at most 30 words" in server.paid[-1].prompt
    found = summary(scene)
    assert (found["asked_again"], found["by_model"], found["fallback"]) == (5, 5, 0)


def test_twice_bad_is_an_error_that_shows_the_answer(scene: Scene) -> None:
    with (
        by_prompt(REFUSAL, "trees " * 80) as server,
        pytest.raises(InputError, match=r"two tries \(162 tokens, the limit is 77\): 'trees .*fallback"),
    ):
        scene.caption(settings(server.url))
    assert len(server.paid) == 10


def test_twice_bad_takes_the_template_when_the_config_allows(scene: Scene) -> None:
    with by_prompt(REFUSAL, "") as server:
        table = scene.caption(settings(server.url, fallback="template"))
        scene.caption(settings(server.url, fallback="template"))
    assert table["caption"].str.startswith("satellite image, ").all()
    found = summary(scene)
    assert (found["fallback"], found["by_model"]) == (5, 0)
    assert len(server.paid) == 10  # not once more in the second run
    assert {t["by"] for t in found["tiles"].values()} == {"fallback"}


def test_a_stretch_that_moves_asks_nothing_again(scene: Scene) -> None:
    with ChatServer(lambda number, body: GOOD) as server:
        first = scene.caption(settings(server.url))
        statistics = json.loads(scene.statistics.read_text())
        scene.statistics.write_text(json.dumps(statistics | {"high": [h + 1.5 for h in statistics["high"]]}))
        again = scene.caption(settings(server.url))
        assert len(server.paid) == 5
        scene.statistics.write_text(json.dumps(statistics | {"rgb": statistics["rgb"][::-1]}))
        scene.caption(settings(server.url))
    assert again["caption"].tolist() == first["caption"].tolist()
    assert len(server.paid) == 10  # other bands are another picture


def test_only_train_tiles_are_shown_to_the_model(scene: Scene) -> None:
    scene.make(3, test=2)
    with ChatServer() as server:
        table = scene.caption(settings(server.url))
        assert table["caption"].tolist()[:3] == [GOOD] * 3
        assert table["caption"].str.startswith("satellite image").tolist() == [False] * 3 + [True] * 2
        assert len(server.paid) == 3
        scene.caption(settings(server.url, splits=["train", "test"]))
    assert len(server.paid) == 5


def test_the_template_writes_what_it_always_wrote_and_reads_no_picture(scene: Scene) -> None:
    table = scene.caption(CaptionConfig())
    assert table.columns.tolist() == ["id", "caption", "prompt"]
    found = summary(scene)
    assert (found["backend"], found["by_template"], found["usage"]["answers"]) == ("template", 5, 0)
    assert not [p for p in (scene.folder / "state").rglob("*") if p.is_file() and p.suffix == ".jsonl"]


def test_repeats_and_long_captions_are_counted(scene: Scene) -> None:
    scene.caption(CaptionConfig(image_template="forest " * 40))
    found = summary(scene)
    assert (found["captions"], found["distinct"], found["over_limit"]) == (5, 1, 5)
    assert {t["tokens"] for t in found["tiles"].values()} == {82}


def test_more_tiles_than_fit_in_memory_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landloom.captioning.writing.CHUNK", 3)
    with ChatServer() as server:
        table = scene.make(8).caption(settings(server.url))
    assert table["id"].tolist() == [f"train{i}" for i in range(8)]
    assert len(server.paid) == 8


@pytest.mark.parametrize(("limit", "share", "expected"), [(77, 1.0, 45), (77, 2 / 3, 30), (8, 1.0, 3)])
def test_words_that_fit(limit: int, share: float, expected: int) -> None:
    assert words(limit, share) == expected


def test_each_language_has_a_name() -> None:
    from typing import get_args

    from landloom.config.caption import Language

    assert set(LANGUAGES) == set(get_args(Language))

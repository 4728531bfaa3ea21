"""The local model, with a Qwen2-VL of a quarter million weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landloom.captioning.backend import Answer, Captioner, Question
from landloom.captioning.qwen_vl import QwenVl
from landloom.captioning.store import Store
from landloom.config.caption import CaptionConfig
from landloom.errors import InputError, Interrupted
from landloom.provenance import records
from tests import vision
from tests.captioning.conftest import Scene

SAYS = "Green fields and a small forest beside a winding river."


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vision.save(tmp_path_factory.mktemp("speaking"), SAYS)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vision.save(tmp_path_factory.mktemp("raw"))


def settings(folder: Path, batch: int = 3, **changes: Any) -> CaptionConfig:
    model = {"source": str(folder), "precision": "fp32", "batch": batch}
    return CaptionConfig.model_validate(
        {"backend": "qwen_vl", "qwen_vl": model, "answer": 60, "prompt": "Describe."} | changes
    )


def questions() -> list[Question]:
    rng = np.random.default_rng(1)
    sides, prompts = (32, 64, 48), ("What?", "Write one short English caption of this image", "a river")
    pairs = zip(sides, prompts, strict=True)
    return [Question(rng.integers(0, 256, (s, s, 3), np.uint8), p) for s, p in pairs]


def ask(model: Captioner, asked: list[Question]) -> list[Answer]:
    found: dict[int, Answer] = {}
    model.ask(asked, found.__setitem__, lambda: False)
    return [found[i] for i in range(len(asked))]


def test_a_scene_is_captioned(scene: Scene, speaking: Path) -> None:
    table = scene.caption(settings(speaking))
    assert table["caption"].tolist() == [SAYS] * 5
    summary = json.loads((scene.folder / "captions.json").read_text())
    assert (summary["captions"], summary["distinct"], summary["by_model"]) == (5, 1, 5)
    assert summary["usage"]["answers"] == 5


def test_a_second_run_asks_nothing(scene: Scene, speaking: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scene.caption(settings(speaking))
    first = records.digest(scene.folder / "captions.parquet")
    scene.caption(settings(speaking, batch=1))
    assert "5 answers, 0 of them asked for now" in capfd.readouterr().err
    assert records.digest(scene.folder / "captions.parquet") == first


def test_a_batch_gives_what_single_questions_give(raw: Path) -> None:
    model = QwenVl(settings(raw, answer=16))
    together = ask(model, questions())
    assert together == [ask(model, [q])[0] for q in questions()]
    assert [a.complete for a in together] == [False] * 3
    assert [a.output_tokens for a in together] == [16] * 3
    assert together[1].input_tokens > together[0].input_tokens


def test_other_pictures_and_words_give_other_answers(raw: Path) -> None:
    model = QwenVl(settings(raw, answer=16))
    first = questions()[0]
    other = [Question(255 - first.picture, first.prompt), Question(first.picture, "a forest and some fields")]
    texts = [a.text for a in ask(model, [first, *other])]
    assert len(set(texts)) > 1


def test_gibberish_is_an_error_or_a_counted_fallback(scene: Scene, raw: Path) -> None:
    with pytest.raises(InputError, match=r"no good caption after two tries .*; 4 more tiles beside it"):
        scene.caption(settings(raw))
    kept = len(Store(scene.store).answers)
    table = scene.caption(settings(raw, fallback="template"))
    assert table["caption"].str.startswith("satellite image, ").all()
    summary = json.loads((scene.folder / "captions.json").read_text())
    assert (summary["fallback"], summary["asked_again"], summary["usage"]["answers"]) == (5, 5, 10)
    assert len(Store(scene.store).answers) == kept == 10  # bad answers are kept too: they took time


def test_other_weights_are_another_model(speaking: Path, raw: Path) -> None:
    assert QwenVl(settings(speaking)).identity != QwenVl(settings(raw)).identity


def test_it_stops_between_batches(raw: Path) -> None:
    found: dict[int, Answer] = {}
    model = QwenVl(settings(raw, batch=1, answer=8))
    with pytest.raises(Interrupted):
        model.ask(questions(), found.__setitem__, lambda: len(found) == 2)
    assert set(found) == {0, 1}


def test_a_folder_without_a_processor(scene: Scene, tmp_path: Path) -> None:
    folder = vision.save(tmp_path / "model")
    (folder / "processor_config.json").unlink()
    with pytest.raises(InputError, match=r"caption\.qwen_vl\.source: .*model.*Give a complete model folder"):
        scene.caption(settings(folder))


def test_a_folder_that_is_not_there(scene: Scene) -> None:
    with pytest.raises(InputError, match=r"caption\.qwen_vl\.source: 'gone' is no folder"):
        scene.caption(settings(Path("gone")))

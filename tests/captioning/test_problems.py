"""What the check says about caption servers and caption models."""

import json
import re
from pathlib import Path

import pytest

from landloom.config.caption import CaptionConfig
from tests import rasters, vision
from tests.captioning.conftest import settings
from tests.chat import ChatServer, Fault
from tests.stages.test_check import problems, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rasters.scenes(tmp_path)
    return tmp_path


def test_a_server_that_answers_is_fine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "right")
    with ChatServer(key="right") as server:
        run(folder, caption=settings(server.url, endpoint={"key": "MY_KEY"}))
    (body,) = server.bodies  # a small picture, and one word in answer, is all that asking costs
    assert body["max_tokens"] == 1
    assert server.paid[0].side == (56, 56, 3)


def test_a_server_whose_model_takes_no_pictures(folder: Path) -> None:
    refusal = Fault(400, '{"error": {"message": "tiny is not a multimodal model"}}')
    with ChatServer(lambda *_: refusal) as server:
        (found,) = problems(folder, caption=settings(server.url))
    assert "caption.endpoint.model: 'tiny' takes no picture there (status 400:" in found
    assert "tiny is not a multimodal model" in found
    with ChatServer(lambda *_: Fault(503, "busy")) as server:
        run(folder, caption=settings(server.url))  # it may be well when its turn comes


def test_a_model_that_reads_words_alone(folder: Path) -> None:
    model = vision.save(folder / "model")
    config = json.loads((model / "config.json").read_text())
    del config["vision_config"]
    (model / "config.json").write_text(json.dumps(config))
    caption = CaptionConfig.model_validate({"backend": "qwen_vl", "qwen_vl": {"source": str(model)}})
    (found,) = problems(folder, caption=caption)
    assert re.search(r"caption\.qwen_vl: .*config\.json has no vision_config.* Give a vision-language", found)


def test_a_server_that_does_not_answer(folder: Path) -> None:
    with ChatServer() as server:
        pass
    (found,) = problems(folder, caption=settings(server.url))
    assert re.search(r"caption\.endpoint\.url: http://127\.0\.0\.1:\d+/v1/ does not answer", found)
    (found,) = problems(folder, caption=settings("server.txt"))
    assert "'server.txt' is neither a URL nor a file that holds one" in found


def test_a_key_that_is_missing_or_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(key="right") as server:
        config = settings(server.url, endpoint={"key": "MY_KEY"})
        assert "the environment variable MY_KEY is not set" in problems(folder, caption=config)[0]
        monkeypatch.setenv("MY_KEY", "wrong")
        (found,) = problems(folder, caption=config)
        assert "caption.endpoint.key: the server refuses the key (status 401)" in found
        assert "wrong" not in found
        assert "Set it to the variable" in problems(folder, caption=settings(server.url))[0]


def test_a_server_that_has_done_its_work_may_be_gone(folder: Path) -> None:
    for scene in run(folder)["scenes"]:
        path = folder / "captions" / f"{scene['name']}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    run(folder, caption=settings("http://127.0.0.1:9/v1"))


def test_captions_of_shards_of_scenes_are_found_too(folder: Path) -> None:
    caption = settings("http://127.0.0.1:9/v1")
    (folder / "captions").mkdir()
    shards = range(-(-len(run(folder)["scenes"]) // 2))
    for i in shards:
        (folder / "check.json").unlink(missing_ok=True)
        assert "does not answer" in problems(folder, caption=caption, scenes_per_shard=2)[0]
        (folder / "captions" / f"{i:05d}.parquet").touch()
    run(folder, caption=caption, scenes_per_shard=2)


def qwen(source: Path) -> CaptionConfig:
    return CaptionConfig.model_validate({"backend": "qwen_vl", "qwen_vl": {"source": str(source)}})


def test_a_model_folder_that_is_whole(folder: Path, tmp_path: Path) -> None:
    run(folder, caption=qwen(vision.save(tmp_path / "model")))


def test_a_model_folder_without_a_processor(folder: Path, tmp_path: Path) -> None:
    model = vision.save(tmp_path / "model")
    for name in ("processor_config.json", "tokenizer.json", "chat_template.jinja"):
        (model / name).unlink()
    (model / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    found = "\n".join(problems(folder, caption=qwen(model)))
    assert "an image processor is missing: no preprocessor_config.json or processor_config.json" in found
    assert "a tokenizer is missing: no tokenizer.json or vocab.json" in found
    assert "the processor has no chat template" in found
    assert "model.safetensors: not a safetensors file" in found


def test_a_model_folder_that_is_not_there(folder: Path) -> None:
    (found,) = problems(folder, caption=qwen(Path("gone")))
    assert "caption.qwen_vl.source: 'gone' is no folder, and as a hub id it has no revision" in found


def test_a_template_longer_than_the_text_encoder_reads(folder: Path) -> None:
    (warning,) = run(folder, caption=CaptionConfig(image_template="{ratios} " + "forest " * 40))["warnings"]
    assert "caption.image_template: with all 2 classes a caption has" in warning

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from landloom import __main__
from landloom.provenance import records, result_cache
from landloom.stages import ratios, tile
from tests import rasters


def made(tmp_path: Path, content: str = "x") -> list[Path]:
    """A file and a folder with their records."""
    outputs = [tmp_path / "a.txt", tmp_path / "b"]
    outputs[0].write_text(content)
    (outputs[1] / "inner").mkdir(parents=True)
    (outputs[1] / "inner/c.txt").write_text(content)
    records.Recorder("tile", 1, {}, []).write(outputs)
    return outputs


def wipe(outputs: list[Path]) -> None:
    for output in outputs:
        result_cache.remove(output)


def test_wiped_outputs_come_back_with_their_records(tmp_path: Path) -> None:
    outputs = made(tmp_path)
    before = [records.digest(o) for o in outputs]
    result_cache.keep(outputs, "f1")
    wipe(outputs)
    assert result_cache.restore(outputs, "f1")
    assert [records.digest(o) for o in outputs] == before
    assert all(records.record_path(o).exists() for o in outputs)


def test_another_job_does_not_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = made(tmp_path)
    result_cache.keep(outputs, "f1")
    wipe(outputs)
    assert not result_cache.restore(outputs, "f2")
    monkeypatch.setattr(result_cache, "code", lambda: "edited")
    assert not result_cache.restore(outputs, "f1")
    assert not any(o.exists() for o in outputs)


def test_a_harmed_copy_is_not_brought_back(tmp_path: Path) -> None:
    outputs = made(tmp_path)
    result_cache.keep(outputs, "f1")
    outputs[0].write_text("changed in place")  # the link shares the bytes
    wipe(outputs)
    assert not result_cache.restore(outputs, "f1")


def test_no_space_is_used_and_one_generation_stays(tmp_path: Path) -> None:
    outputs = made(tmp_path)
    result_cache.keep(outputs, "f1")
    assert outputs[0].stat().st_ino == (result_cache.place(outputs[0]) / "output").stat().st_ino
    wipe(outputs)
    result_cache.keep(made(tmp_path, "new"), "f2")
    assert not result_cache.restore(outputs, "f1")
    assert result_cache.restore(outputs, "f2")


def test_a_stage_run_twice_computes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = rasters.config()
    image = rasters.save(tmp_path / "a.tif", rasters.noise(32, 32))
    mask = rasters.save(tmp_path / "m.tif", rasters.halves(32, 32))
    out = tmp_path / "tiles/a.parquet"
    words: list[Any] = ["--config", '{"size": 16}', "--data", config.model_dump_json(), "--scene", "a"]
    words += ["--split", "train", "--image", str(image), "--mask", str(mask), "--out", str(out)]
    calls = []
    run = tile.run

    def counted(**values: Any) -> None:
        calls.append(values)
        run(**values)

    counted.__annotations__ = run.__annotations__
    counted.__wrapped__ = run  # type: ignore[attr-defined]
    monkeypatch.setattr(tile, "run", counted)
    __main__.execute("tile", words)
    first = out.read_bytes()
    out.unlink()
    __main__.execute("tile", words)
    assert len(calls) == 1
    assert out.read_bytes() == first
    __main__.execute("tile", ["--config", '{"size": 32}', *words[2:]])
    assert len(calls) == 2


def test_the_record_of_a_result_brought_back_names_what_it_was_asked_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that moved are the same job, but the command that the workflow compares is another one."""
    monkeypatch.chdir(tmp_path)
    rasters.scenes(tmp_path)
    words = [
        "--config",
        "{}",
        "--data",
        rasters.config().model_dump_json(),
        "--scene",
        "a",
        "--split",
        "train",
    ]
    records_of = []
    for folder in ("images", "moved"):
        if folder == "moved":
            Path("images").rename("moved")
        command = [*words, "--image", f"{folder}/a.tif", "--mask", "masks/a.tif", "--out", "out/a.parquet"]
        __main__.execute("tile", command)
        records_of.append(json.loads(Path("out/a.parquet.prov.json").read_text()))
        assert records_of[-1]["command"] == shlex.join(["python", "-m", "landloom", "tile", *command])
        assert list(records_of[-1]["inputs"]) == [f"{folder}/a.tif", "masks/a.tif"]
    assert records_of[0]["job"] == records_of[1]["job"]


def test_code_edited_during_a_job_is_not_filed_as_what_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "package"
    (source / "stages").mkdir(parents=True)
    (source / "stages/tile.py").write_text("first")
    for module in (result_cache, records):
        monkeypatch.setattr(module, "__file__", str(source / "provenance/module.py"))
    before = records.stage_code("tile")

    def edit(**values: Any) -> None:
        (source / "stages/tile.py").write_text("second")
        values["out"].write_text("made by the first")

    edit.__annotations__ = tile.run.__annotations__
    edit.__wrapped__ = tile.run  # type: ignore[attr-defined]
    monkeypatch.setattr(tile, "run", edit)
    rasters.scenes(tmp_path)
    words = [
        "--config",
        "{}",
        "--data",
        rasters.config().model_dump_json(),
        "--scene",
        "a",
        "--split",
        "train",
    ]
    out = tmp_path / "out/a.parquet"
    words += ["--image", str(source / "stages/tile.py"), "--mask", str(source), "--out", str(out)]
    result_cache.code.cache_clear()
    __main__.execute("tile", words)
    assert json.loads(records.record_path(out).read_text())["code"] == before
    result_cache.code.cache_clear()  # another process
    made = json.loads((result_cache.place(out) / "made.json").read_text())
    assert made["code"] != result_cache.code()
    result_cache.code.cache_clear()


def test_stages_that_look_around_are_never_brought_back() -> None:
    from landloom.stages import audit, check

    assert not audit.KEEP
    assert not check.KEEP
    assert getattr(ratios, "KEEP", True)


def test_the_record_says_where_it_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    monkeypatch.setenv("SLURMD_NODENAME", "n7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    (outputs, _) = made(tmp_path)
    record = json.loads(records.record_path(outputs).read_text())
    assert (record["slurm_job"], record["host"], record["gpus"]) == ("42", "n7", 2)
    assert record["code"] == records.stage_code("tile")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert records.gpus() == 0
    assert "torch" in sys.modules or records.gpus() == 0

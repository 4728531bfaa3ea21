"""The audit: what was tampered with is found, what was not is left in peace."""

import json
import shutil
from pathlib import Path
from typing import Any

import prov.model
import pytest
import yaml

from landloom.__main__ import execute
from landloom.config.audit import AuditConfig
from landloom.errors import InputError
from landloom.orchestration.dag import Dag
from landloom.provenance import lineage, records
from landloom.provenance.records import Recorder
from landloom.runtime.registry import version
from landloom.stages import audit
from tests.rasters import ROOT

CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "config/config.yaml").read_text())
TILE = Dag(CONFIG).expected()["tile"]


def make(output: Path, text: str, inputs: list[Path]) -> None:
    """Write an output as a stage would, with its record."""
    recorder = Recorder("tile", version("tile"), {"config": TILE}, inputs)
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix:
        output.write_text(text)
    else:
        output.mkdir()
        (output / "model.bin").write_text(text)
    recorder.write([output])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two scenes, a tile shard of each, a model folder of both, a table of the model."""
    root = tmp_path / "results" / "tiny"
    for name in "ab":
        (tmp_path / f"{name}.tif").write_text(name)
        make(root / f"tiles/{name}.parquet", f"tiles of {name}", [tmp_path / f"{name}.tif"])
    make(root / "base", "weights", [root / "tiles/a.parquet", root / "tiles/b.parquet"])
    make(root / "evaluation/summary.csv", "iou", [root / "base/model.bin"])
    (root / "state/base/123").mkdir(parents=True)
    (root / "state/base/123/checkpoint.pt").write_text("halfway")
    (root / ".report.partial").write_text("being written")
    return root


def look(root: Path, strict: bool = False, settings: str = "") -> dict[str, Any]:
    audit.run(AuditConfig(strict=strict), root, root / "audit.json", root / "provenance.json", [], settings)
    found: dict[str, Any] = json.loads((root / "audit.json").read_text())
    return found


def statuses(root: Path) -> dict[str, str]:
    return {e["output"]: e["status"] for e in look(root)["outputs"]}


def test_untouched_results_are_ok(root: Path) -> None:
    found = look(root, strict=True)
    assert found["summary"] == {"ok": 4} | dict.fromkeys(
        ("changed", "missing", "stale", "outdated", "orphan", "edited"), 0
    )
    assert {e["output"] for e in found["outputs"]} == {
        "tiles/a.parquet", "tiles/b.parquet", "base", "evaluation/summary.csv"
    }  # fmt: skip


def test_lineage_leads_back_to_the_scenes(root: Path, tmp_path: Path) -> None:
    entry = next(e for e in look(root)["outputs"] if e["output"] == "evaluation/summary.csv")
    assert entry["sources"] == [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]
    assert entry["inputs"][0]["made_by"] == "base"
    assert entry["stage"] == "tile"
    assert {"version", "sha256", "seconds", "peak_memory_mb", "device", "started"} <= set(entry)


def test_a_flipped_byte_is_found(root: Path) -> None:
    (root / "tiles/a.parquet").write_text("tiles of A")
    found = statuses(root)
    assert found["tiles/a.parquet"] == "changed"
    assert found["base"] == "stale"
    assert found["tiles/b.parquet"] == "ok"


def test_a_changed_file_in_a_folder_is_found(root: Path) -> None:
    (root / "base/model.bin").write_text("other")
    assert statuses(root)["base"] == "changed"
    assert statuses(root)["evaluation/summary.csv"] == "stale"


def test_a_removed_file_is_found(root: Path) -> None:
    (root / "tiles/b.parquet").unlink()
    found = look(root)
    assert found["summary"]["missing"] == 1
    table = next(e for e in found["outputs"] if e["output"] == "evaluation/summary.csv")
    assert table["status"] == "ok"
    assert table["upstream_problems"] == ["tiles/b.parquet"]


def test_a_changed_scene_makes_its_tiles_stale(root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("corrected")
    found = statuses(root)
    assert found["tiles/a.parquet"] == "stale"
    assert found["tiles/b.parquet"] == "ok"


def test_a_remade_input_makes_its_users_stale(root: Path, tmp_path: Path) -> None:
    make(root / "tiles/a.parquet", "new tiles of a", [tmp_path / "a.tif"])
    assert statuses(root)["base"] == "stale"


def test_a_file_without_a_record_is_an_orphan(root: Path) -> None:
    (root / "notes.txt").write_text("?")
    assert statuses(root)["notes.txt"] == "orphan"


def test_strict_lists_the_problems(root: Path) -> None:
    (root / "notes.txt").write_text("?")
    (root / "tiles/b.parquet").unlink()
    with pytest.raises(InputError, match=r"tiles/b\.parquet \(missing\), notes\.txt \(orphan\)"):
        look(root, strict=True)


def test_copied_results_are_still_understood(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "tiny"
    shutil.copytree(root, copy)
    shutil.rmtree(root)
    found = look(copy)
    assert found["summary"]["ok"] == 4
    (copy / "tiles/a.parquet").write_text("tiles of A")
    assert statuses(copy)["base"] == "stale"


def test_each_file_is_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def digest(path: Path) -> str:
        read.append(path)
        return original(path)

    original = records.digest
    monkeypatch.setattr("landloom.provenance.audit.records.digest", digest)
    look(root)
    assert read.count(root / "tiles/a.parquet") == 1  # it is an output, and the input of another


def test_a_broken_record_is_named(root: Path) -> None:
    (root / "base.prov.json").write_text("{")
    with pytest.raises(InputError, match=r"base\.prov\.json"):
        look(root)


def test_command_line_twice(root: Path) -> None:
    arguments = ["--config", "{}", "--root", str(root), "--out", str(root / "audit.json")]
    arguments += ["--provenance", str(root / "provenance.json"), "--after"]
    for _ in range(2):  # the second time there is an audit and its record already
        execute("audit", [*arguments, str(root / "evaluation/summary.csv")])
    assert json.loads((root / "audit.json").read_text())["summary"]["ok"] == 4


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        audit.run(AuditConfig(), tmp_path / "none", tmp_path / "audit.json", tmp_path / "p.json", [])


def test_a_changed_setting_is_found(root: Path) -> None:
    same = look(root, settings=json.dumps(CONFIG))
    assert same["summary"]["ok"] == 4
    changed = CONFIG | {"tile": CONFIG["tile"] | {"stride": 32}}
    found = look(root, settings=json.dumps(changed))
    assert found["summary"]["outdated"] == 4
    assert {e["why"] for e in found["outputs"]} == {"tile.stride was 16 and is 32"}
    with pytest.raises(InputError, match=r"tile\.stride was 16 and is 32"):
        look(root, strict=True, settings=json.dumps(changed))


def test_an_edited_stage_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "stage_code", lambda stage: "other")
    assert look(root, strict=True)["summary"]["edited"] == 4
    monkeypatch.setattr("landloom.runtime.registry.version", lambda stage: 99)
    found = look(root)
    assert found["summary"]["outdated"] == 4
    why = f"made by VERSION {version('tile')} of tile, which is 99 now"
    assert why in {e["why"] for e in found["outputs"]}


def test_cost_counts_jobs_and_gpu_hours(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for record in root.rglob("*.prov.json"):
        body = json.loads(record.read_text())
        record.write_text(json.dumps(body | {"seconds": 1800, "gpus": 2, "peak_memory_mb": {"cpu": 7}}))
    (row,) = look(root)["cost"]
    assert row == {"stage": "tile", "jobs": 4, "hours": 2.0, "gpu_hours": 4.0, "peak_cpu_mb": 7}


def test_the_history_is_w3c_prov(root: Path) -> None:
    look(root)
    document = prov.model.ProvDocument.deserialize(root / "provenance.json")
    kinds = [type(r).__name__ for r in document.get_records()]
    assert kinds.count("ProvActivity") == 4
    made = list(document.get_records(prov.model.ProvGeneration))
    used = list(document.get_records(prov.model.ProvUsage))
    assert len(made) == 4
    assert len(used) == 5
    known = {r.identifier for r in document.get_records(prov.model.ProvElement)}
    assert all(name in known for r in (*made, *used) for _, name in r.formal_attributes[:2])
    assert "wasGeneratedBy" in document.get_provn()


def test_outputs_of_one_job_are_one_activity(root: Path, tmp_path: Path) -> None:
    """Also equal outputs of two jobs are two: what counts is the job, not the bytes."""
    recorder = Recorder("ratios", version("ratios"), {}, [root / "tiles/a.parquet"])
    outputs = [root / "ratios.parquet", root / "statistics.json"]
    for output in outputs:
        output.write_text("same")
    recorder.write(outputs)
    make(root / "tiles/c.parquet", "same", [tmp_path / "a.tif"])
    found = look(root)
    assert {row["stage"]: row["jobs"] for row in found["cost"]} == {"tile": 5, "ratios": 1}
    document = prov.model.ProvDocument.deserialize(root / "provenance.json")
    assert len(list(document.get_records(prov.model.ProvActivity))) == 6
    used = [u for u in document.get_records(prov.model.ProvUsage) if "ratios" in str(u.args[0])]
    assert len(used) == 1


@pytest.mark.parametrize(
    ("output", "stage", "expected"),
    [
        ("label_table/plain/masks/0.parquet", "label_sample", "label_table/plain/label_sample"),
        ("landloom/masks/0.parquet", "label_sample", "landloom/label_sample"),
        ("segment/real/0/unet/0", "segment", "unet/segment"),
        ("tiles/a.parquet", "tile", "tile"),
    ],
)
def test_settings_are_expected_under_the_name_of_the_generator(
    output: str, stage: str, expected: str
) -> None:
    known = dict.fromkeys(
        ["label_table/plain/label_sample", "label_table/label_sample", "landloom/label_sample",
         "unet/segment", "tile", "label_sample", "segment"]
    )  # fmt: skip
    assert lineage.key(output, stage, known) == expected

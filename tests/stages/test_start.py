"""How a job begins and what it says of its time, as a process of its own."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from landloom.config.run import RunConfig
from landloom.provenance import records
from tests import bases
from tests.test_imports import SLOW

CODE = """
import sys
from landloom.__main__ import execute
execute(sys.argv[1], sys.argv[2:])
print(*sys.modules)
"""


def brought(stage: str, **values: Any) -> set[str]:
    """Slow packages that a job has imported when it ends."""
    command = [sys.executable, "-c", CODE, stage, *bases.arguments(**values)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return SLOW & set(run.stdout.split())


def test_real_masks_and_images_need_no_torch(tiny: dict[str, Any], plan: Path, tmp_path: Path) -> None:
    masks, outputs = tmp_path / "masks.parquet", {n: tmp_path / f"{n}.parquet" for n in ("out", "resamples")}
    given = {"statistics": tiny["statistics"], "config": '{"source": "real"}'}
    job = given | {"plan": plan, "tiles": tiny["tiles"], "generator": "g", "shard": 0, "out": masks}
    assert brought("label_sample", **job) <= {"pandas"}
    assert brought("image_sample", **given, masks=masks, **outputs) <= {"pandas"}
    cut = given | {"config": '{"source": "collage"}', "tiles": tiny["tiles"]}
    assert brought("image_sample", **cut, masks=masks, **outputs) <= {"pandas", "torch", "scipy"}


def test_a_gan_needs_no_diffusers(
    tiny: dict[str, Any], masks: Path, pix2pix_job: dict[str, Any], pix2pix: Path, tmp_path: Path
) -> None:
    trained = {n: tmp_path / n for n in ("state", "out", "metrics")}
    job = pix2pix_job | {"config": pix2pix_job["config"].model_copy(update={"steps": 1})}
    assert not brought("image_train", **job, **trained) & {"diffusers", "peft", "transformers", "timm"}
    given = {"statistics": tiny["statistics"], "masks": masks, "translator": pix2pix, "config": "{}"}
    made = {n: tmp_path / f"{n}.parquet" for n in ("out", "resamples")}
    assert brought("image_sample", **given, **made) <= {"torch", "accelerate", "pandas"}


def done(stage: str, **values: Any) -> list[str]:
    """Lines that a job says."""
    command = [sys.executable, "-m", "landloom", stage, *bases.arguments(**values)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()


def test_a_job_says_where_its_time_went(tiny: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "features.safetensors"
    before = time.monotonic()
    job = {"config": "{}", "statistics": tiny["statistics"], "tiles": tiny["tiles"][0], "out": out}
    *_, last = done("features", **job)
    took = time.monotonic() - before
    names, number = ("start", "load", "compute", "write"), r"\d+\.\d s"
    assert re.fullmatch("features: phases: " + ", ".join(f"{n} {number}" for n in names), last)
    record = bases.record(out)
    phases = record["phases"]
    assert all(phases[name] > 0 for name in names)
    assert phases["start"] + record["seconds"] <= sum(phases.values()) + 0.2 <= took + 0.2


@pytest.mark.parametrize("stage", ["label_train", "label_sample"])
def test_a_profiled_job_writes_a_trace_and_the_same_bytes(
    stage: str, tiny: dict[str, Any], plan: Path, categorical_job: dict[str, Any], categorical: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    jobs = {
        "label_train": {k: v for k, v in categorical_job.items() if k != "run"},
        "label_sample": {
            "statistics": tiny["statistics"], "plan": plan, "tiles": tiny["tiles"], "model": categorical,
            "config": '{"steps": 3}', "generator": "g", "shard": 0,
        },
    }  # fmt: skip
    found = []
    for profile in ("false", "true"):
        folder = tmp_path / profile
        own = {"state": folder / "state", "metrics": folder / "metrics"} if stage == "label_train" else {}
        monkeypatch.setenv(RunConfig.VARIABLE, f'{{"profile": {profile}}}')
        bases.execute(stage, **jobs[stage], **own, out=folder / "out")
        found.append(records.digest(folder / "out"))
        trace = folder / ".landloom" / "out.trace.json"
        assert trace.exists() == (profile == "true")
    assert found[0] == found[1]
    assert any(e.get("name") == "aten::convolution" for e in json.loads(trace.read_text())["traceEvents"])


def test_a_profiled_job_computes_what_is_at_hand(
    tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "features.safetensors"
    job = {"config": "{}", "statistics": tiny["statistics"], "tiles": tiny["tiles"][0], "out": out}
    bases.execute("features", **job)
    monkeypatch.setenv(RunConfig.VARIABLE, '{"profile": true}')
    bases.execute("features", **job)
    assert (tmp_path / ".landloom" / f"{out.name}.trace.json").exists()

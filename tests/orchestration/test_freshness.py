"""What records say of outputs made from those of another dataset; the rest is in test_copied_results.py."""

import json
from pathlib import Path

import pytest

from landloom.orchestration import recorded_jobs
from landloom.orchestration.freshness import RecordedRun
from landloom.orchestration.recorded_jobs import Job
from landloom.runtime import registry

GAIN = "results/d-labelled-0.5/evaluation/gain.csv"
OUT = "results/d/evidence/gain.csv"


def record(folder: Path, output: str, digest: str, inputs: dict[str, str]) -> None:
    """Write an output with its record."""
    path = folder / output
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    about = {"stage": "evidence", "version": registry.version("evidence"), "command": "x", "sha256": digest}
    path.with_name(f"{path.name}.prov.json").write_text(json.dumps(about | {"inputs": inputs}))


def run() -> RecordedRun:
    """The records of the run itself, with the one job that gathers."""
    made = RecordedRun(None, Path("results/d"))
    made.jobs = {OUT: Job("x", [GAIN], [OUT], None, [made.made[OUT]])}
    return made


def test_the_evidence_is_old_when_a_share_has_another_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path, OUT, "o", {GAIN: "first", "images/a.tif": "pixels"})
    assert run().forced == {}  # a table without a record tells nothing
    record(tmp_path, GAIN, "first", {})
    assert run().forced == {}
    record(tmp_path, GAIN, "second", {})
    assert run().forced == {OUT: f"made from another {GAIN}"}


def test_rasters_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path, "images/a.tif", "x", {})
    assert recorded_jobs.elsewhere("images/a.tif") is None

"""The benchmark of a finished run's overhead counts what it says."""

import base64
import importlib
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

BEGIN = datetime(2026, 5, 4, 12).timestamp()


@pytest.fixture
def overhead(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return importlib.import_module("overhead")


@pytest.fixture
def rows(overhead: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Shares that were reported."""
    found: list[float] = []
    monkeypatch.setattr(
        overhead, "report", lambda name, work, against, shares, *_, **__: found.extend(shares)
    )
    return found


def job(
    root: Path, stage: str, outputs: list[str], span: tuple[float, float] | None, **record: object
) -> None:
    """Leave what a job leaves."""
    for output in outputs:
        path = root / output
        path.parent.mkdir(parents=True, exist_ok=True)
        body = {"stage": stage, "job": stage, "output": path.name} | record
        path.with_name(f"{path.name}.prov.json").write_text(json.dumps(body))
        if span:
            name = base64.urlsafe_b64encode(output.encode()).decode()
            parts = [f"@{name[:9]}", name[9:]]  # as Snakemake divides long names
            file = root.joinpath(".snakemake/metadata", *parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"starttime": BEGIN + span[0], "endtime": BEGIN + span[1]}))


def run(overhead: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["overhead.py", "--results", str(root)])
    overhead.main()


def test_the_time_of_jobs_and_of_snakemake_is_counted(
    overhead: ModuleType, rows: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases = {"start": 3.0, "load": 1.0, "compute": 5.0, "write": 1.0}
    job(tmp_path, "base", ["results/d/base", "results/d/base.jsonl"], (5, 15), seconds=9, phases=phases)
    job(tmp_path, "audit", ["results/d/audit.json"], (10, 20), seconds=8)  # no phases: all of it is work
    job(tmp_path, "check", ["results/d/check.json"], None, seconds=1)
    log = tmp_path / ".snakemake/log/2026-05-04T120000.000000.snakemake.log"
    log.parent.mkdir()
    log.touch()
    os.utime(log, (BEGIN + 21, BEGIN + 21))
    run(overhead, tmp_path, monkeypatch)
    # Jobs take 10 + 10 s, Snakemake 5 + 1 s; the work is 7 + 8 + 1 s.
    assert rows == pytest.approx([100 * (26 - 16) / 16])


def test_without_a_finished_run_it_says_so(
    overhead: ModuleType, rows: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run(overhead, tmp_path, monkeypatch)
    assert "skipped, no finished run" in capsys.readouterr().out
    assert rows == []

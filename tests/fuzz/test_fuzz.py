"""A share of the damaged files of ``python -m tests.fuzz.run``, and whether that would see a fault."""

from pathlib import Path

import numpy as np
import pytest

from landloom.errors import InputError
from tests.fuzz import run, worker
from tests.fuzz.mutations import mutated
from tests.fuzz.target import Target

SHORT, LONG = 400, 10_000


def made(tmp_path: Path, count: int) -> list[dict[str, object]]:
    found = list(run.results(tmp_path, range(count), 0))
    assert [r for r in found if r["outcome"] not in run.GOOD] == []
    return found


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    found = made(tmp_path, SHORT)
    assert {r["outcome"] for r in found} == set(run.GOOD)
    assert len({r["kind"] for r in found}) >= 12
    assert not list((tmp_path / "inputs").iterdir())


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path: Path) -> None:
    made(tmp_path, LONG)


def test_valid_files_are_read(tmp_path: Path) -> None:
    """What is refused for another reason than its damage would show nothing."""
    for target in worker.TARGETS:
        if target.kind not in ("safetensors",) or "network" not in target.name:
            target.read(worker.seeds(target, tmp_path))


def test_an_input_is_the_same_each_time() -> None:
    for name in ("a.tif", "a.png", "a.jpg", "a.json", "a.parquet", "a.safetensors", "a.gpkg"):
        data = bytes(range(256)) * 4
        one, two = ([mutated(data, name, np.random.default_rng(s)) for s in range(50)] for _ in range(2))
        assert one == two
        assert len(set(one)) > 30


def fail(_: Path) -> None:
    raise KeyError("x")


def grow(_: Path) -> None:
    raise MemoryError


def refuse(_: Path) -> None:
    raise InputError("a.tif", "is damaged", "Replace it")


@pytest.mark.parametrize(
    ("read", "outcome"),
    [(fail, "uncaught"), (grow, "memory"), (refuse, "refused"), (lambda _: None, "read")],
)
def test_outcomes(tmp_path: Path, read: object, outcome: str) -> None:
    target = Target("PNG", "x", ("*",), lambda _: None, read)  # type: ignore[arg-type]
    assert worker.outcome(target, tmp_path)["outcome"] == outcome


def test_a_process_that_dies_or_works_for_ever_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SECONDS", 0.5)
    for line, end in (("import os; os.abort()", "crash"), ("while True: pass", "hang")):
        asked = run.Worker(tmp_path, 0)
        code = f"print('ready', flush=True)\ninput()\n{line}"
        monkeypatch.setattr(run, "command", lambda *_, code=code: [run.sys.executable, "-c", code])
        assert asked.ask(0)["outcome"] == end
        assert asked.process is None


def test_the_table_counts() -> None:
    rows = [{"kind": k, "outcome": o} for k, o in (("PNG", "read"), ("PNG", "hang"), ("JSON", "refused"))]
    lines = run.table(rows).splitlines()
    assert lines[2:] == [
        "| JSON | 1 | 0 | 1 | 0 | 0 | 0 | 0 |",
        "| PNG | 2 | 1 | 0 | 0 | 0 | 0 | 1 |",
        "| all | 3 | 1 | 1 | 0 | 0 | 0 | 1 |",
    ]

"""The page of benchmarks says what the result files say."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("tables")


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("comparison").Result(
        "tile", "tiling", "gdal", 3.14159, 3.0, 3.3, 4.0, "high", "times as fast", "CPU, 2 threads", 5, 1.0,
        "half of the copy rate", "PNG takes it", "python benchmarks/tiling.py", "abc1234",
    )  # fmt: skip


def test_the_page_is_up_to_date(tables: ModuleType) -> None:
    text = tables.PAGE.read_text()
    assert tables.page(text, tables.read()) == text


def test_a_row_and_a_missed_goal_by_hand(tables: ModuleType, result: Any) -> None:
    said = tables.row(result)
    assert said.startswith(
        "| tiling | gdal | **3.14** times as fast (3 to 3.3), 5 | at least 4, **missed** |"
    )
    assert list(tables.reasons([result])) == ["- tiling: PNG takes it\n"]
    low = replace(result, better="low")
    assert "at most 4 |" in tables.row(low)
    assert not list(tables.reasons([low]))


def test_ratios_are_of_pairs_that_take_turns(
    monkeypatch: pytest.MonkeyPatch, tables: ModuleType, tmp_path: Path
) -> None:
    comparison, order = importlib.import_module("comparison"), []
    clock = iter([0, 2, 2, 3, 3, 4, 4, 7])  # theirs 2 s, ours 1 s; ours 1 s, theirs 3 s
    monkeypatch.setattr(comparison.time, "perf_counter", lambda: next(clock))
    ratios, took = comparison.interleaved(lambda: order.append("ours"), lambda: order.append("theirs"), 2)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert ratios == [2, 3]
    assert took == 1
    monkeypatch.setattr(comparison, "RESULTS", tmp_path)
    comparison.report("x", "work", "other", ratios, 2.5, reason="slow")
    (found,) = comparison.read()
    assert (found.ratio_median, found.ratio_min, found.ratio_max, found.n) == (2.5, 2, 3, 2)
    assert found.reached

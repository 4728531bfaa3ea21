from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from landloom.config.plan import MixGoal
from landloom.errors import InputError
from landloom.planning import goals

NAMES = ["a", "b", "c"]
REAL = np.array([[0.7, 0.3, 0.0], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1]])


def made(goal: MixGoal, count: int = 40) -> NDArray[np.float64]:
    return goals.targets(goal, count, REAL, REAL.sum(0), NAMES, 32, np.random.default_rng(0))


def test_balance_by_hand() -> None:
    # c is raised to 0.4; a and b share the rest as 7 to 3.
    found = goals.raised(REAL[:1], np.array([0.0, 0.0, 0.4]))
    assert found[0].tolist() == pytest.approx([0.42, 0.18, 0.4])


def test_a_class_that_gives_way_stops_at_its_own_floor() -> None:
    found = goals.raised(REAL[:1], np.array([0.0, 0.28, 0.4]))
    assert found[0].tolist() == pytest.approx([0.32, 0.28, 0.4])


@given(st.lists(st.floats(0, 0.3), min_size=3, max_size=3))
def test_no_class_is_below_its_floor(floor: list[float]) -> None:
    found = goals.raised(REAL, np.array(floor))
    assert (found >= np.array(floor) - 1e-9).all()
    assert found.sum(1) == pytest.approx(1)


def test_deficit_by_hand() -> None:
    # 3 real tiles hold 1.4, 1.4 and 0.2; with 5 more, 8 tiles shall hold 4, 2.4 and 1.6.
    found = goals.lacking(np.array([0.5, 0.3, 0.2]), REAL.sum(0), 5)
    assert found.tolist() == pytest.approx([2.6 / 5, 1.0 / 5, 1.4 / 5])


def test_deficit_brings_all_tiles_to_the_mix() -> None:
    mix = {"a": 0.5, "b": 0.3, "c": 0.2}
    found = made(MixGoal(goal="deficit", mix=mix), 5)
    assert ((REAL.sum(0) + found.sum(0)) / 8).tolist() == pytest.approx(list(mix.values()), abs=2e-3)
    assert found.sum(1) == pytest.approx(1)


def test_what_there_is_too_much_of_is_not_asked_for() -> None:
    found = goals.lacking(np.array([0.0, 0.5, 0.5]), REAL.sum(0), 1)
    assert found[0] == 0
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_come_from_files(tmp_path: Path, suffix: str) -> None:
    path, frame = tmp_path / f"t.{suffix}", pd.DataFrame({"c": [0.25, 1.0], "a": [0.75, None]})
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    found = made(MixGoal(goal="table", file=str(path)), 3)
    assert found.tolist() == [[0.75, 0, 0.25], [0, 0, 1], [0.75, 0, 0.25]]


def test_partial_rows_leave_classes_open(tmp_path: Path) -> None:
    goal = MixGoal(goal="table", partial=True, table=[{"a": 0.2}, {"b": 0.5, "c": 0.0}])
    found = made(goal, 2)
    assert np.isnan(found).tolist() == [[False, True, True], [True, False, False]]
    assert np.nansum(found, 1).tolist() == [0.2, 0.5]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"a": [0.5], "d": [0.5]}, "no class is called d"),
        (
            {"a": [1.0, 0.5], "b": [0.0, 0.4]},
            r"row 2: ratios must be 0 or more and sum to one, these sum to 0.9",
        ),
        ({"a": [1.5], "b": [-0.5]}, "ratios must be from 0 to 1"),
        ({"a": [0.9995], "b": [0.0005]}, "less than one pixel of a tile of 32 x 32"),
        ({"a": []}, "it holds no rows"),
    ],
)
def test_wrong_files_are_input_errors(tmp_path: Path, cells: dict[str, list[float]], message: str) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame(cells).to_csv(path, index=False)
    with pytest.raises(InputError, match=message):
        made(MixGoal(goal="table", file=str(path)))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "t.csv",
            "a,b\n0.5,0.5\n30%,0.7\n",
            r"t\.csv, row 2, column a: '30%' is not a number\. Write",
        ),
        ("t.csv", "", r"t\.csv: it cannot be read as CSV \(No columns"),
        ("t.csv", "a,b\n0.5,0.5\n0.1,0.2,0.3,0.4\n", r"t\.csv: it cannot be read as CSV \(.* line 3"),
        ("t.parquet", "a,b\n0.5,0.5\n", r"t\.parquet: it cannot be read as Parquet \("),
    ],
)
def test_unreadable_files_are_input_errors(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        made(MixGoal(goal="table", file=str(tmp_path / name)))


@pytest.mark.parametrize("row", [{"a": 0.2, "b": 0.3, "c": 0.1}, {"a": 0.0, "b": 0.0, "c": 0.0}])
def test_a_partial_row_that_names_every_class_sums_to_one(tmp_path: Path, row: dict[str, float]) -> None:
    pd.DataFrame([{"a": 0.2}, row]).to_csv(tmp_path / "t.csv", index=False)
    for rows in ({"table": [{"a": 0.2}, row]}, {"file": str(tmp_path / "t.csv")}):
        with pytest.raises(InputError, match="row 2: ratios of all classes must sum to one, these sum to 0"):
            made(MixGoal.model_validate({"goal": "table", "partial": True} | rows))
    fine = made(MixGoal(goal="table", partial=True, table=[{"a": 0.5, "b": 0.5, "c": 0.0}]), 1)
    assert fine.tolist() == [[0.5, 0.5, 0.0]]


def test_what_deficit_cannot_reach_is_told_by_hand() -> None:
    # 3 real tiles hold 1.4, 1.4 and 0.2; one more, all c, makes 1.4, 1.4 and 1.2 of 4.
    goal = MixGoal(goal="deficit", mix={"b": 0.1, "c": 0.9})
    told = goals.shortfall(goal, REAL.sum(0), np.array([[0.0, 0.0, 1.0]]), NAMES)
    assert told == "a 0.350 (asked 0.000), b 0.350 (asked 0.100), c 0.300 (asked 0.900)"
    reachable = MixGoal(goal="deficit", mix={"a": 0.5, "b": 0.3, "c": 0.2})
    assert goals.shortfall(reachable, REAL.sum(0), made(reachable, 5), NAMES) is None


def test_a_missing_file_is_an_input_error() -> None:
    with pytest.raises(InputError, match="there is no such file"):
        made(MixGoal(goal="table", file="nowhere.csv"))

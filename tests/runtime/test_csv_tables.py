"""What a spreadsheet shows of a table is what was meant, and it computes nothing."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.reporting.tables import read_one
from landloom.runtime import csv_tables

EVIL = ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "'=1", "-"]


@pytest.mark.parametrize("text", EVIL)
def test_texts_never_begin_like_formulas(tmp_path: Path, text: str) -> None:
    table = pd.DataFrame({"class": [text, "wood"], text: [-0.5, 1.0], "mixed": [text, -3]})
    csv_tables.write(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["class", "'" + text, "mixed"]
    assert rows[1] == ["'" + text, "-0.5", "'" + text]
    assert rows[2] == ["wood", "1.0", "-3"]


@pytest.mark.parametrize("text", EVIL[:4])
def test_reports_show_the_names_as_they_are(tmp_path: Path, text: str) -> None:
    csv_tables.write(pd.DataFrame({"class": [text, "it's"], "iou": [-0.5, 1]}), tmp_path / "t.csv")
    found = read_one(tmp_path / "t.csv")
    assert found["class"].tolist() == [text, "it's"]
    assert found["iou"].tolist() == [-0.5, 1]


@given(st.text())
def test_a_cell_gives_its_text_back(text: str) -> None:
    cell = csv_tables.cell(text)
    assert csv_tables.plain(cell) == text
    assert not cell.startswith(csv_tables.SIGNS)


@given(st.one_of(st.floats(allow_nan=False), st.integers(), st.none(), st.booleans()))
def test_other_values_stay(value: object) -> None:
    assert csv_tables.cell(value) == value == csv_tables.plain(value)


def test_plain_tables_are_the_bytes_that_pandas_writes(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"class": ["a", None], "iou": [0.25, float("nan")], "n": [1, 2], "ok": [True, False]}
    )
    csv_tables.write(table, tmp_path / "own.csv")
    table.to_csv(tmp_path / "plain.csv", index=False)
    assert (tmp_path / "own.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()

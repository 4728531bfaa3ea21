"""Which tags are drawn as which class."""

from pathlib import Path

import pytest

from landloom.errors import InputError
from landloom.raster import map_legend
from tests import maps

HEADER = "key,value,class,width_m,order\n"


def test_lines_are_drawn_by_order_and_then_as_they_stand(tmp_path: Path) -> None:
    rows = "highway,primary,road,12,5\nhighway,service,road,4,\nbuilding,*,house,,\nrailway,rail,rail,3,-1\n"
    found = map_legend.read(maps.legend(tmp_path, HEADER + rows))
    assert [(e.key, e.value, e.width, e.line) for e in found.entries] == [
        ("railway", "rail", 3, 5), ("highway", "service", 4, 3), ("building", "*", None, 4),
        ("highway", "primary", 12, 2),
    ]  # fmt: skip
    assert found.classes == ("road", "house", "rail")
    assert found.keys == ["railway", "highway", "building"]


def test_a_line_of_its_own_comes_before_any_value_and_no_is_none(tmp_path: Path) -> None:
    found = map_legend.read(maps.legend(tmp_path, HEADER + "building,*,house,,\nbuilding,church,church,,\n"))
    named = {v: found.entry("building", v) for v in ("church", "yes", "no")}
    assert {v: n if n is None else found.entries[n].name for v, n in named.items()} == {
        "church": "church", "yes": "house", "no": None,
    }  # fmt: skip
    assert found.entry("highway", "church") is None


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_spaces_and_marks(tmp_path: Path, separator: str) -> None:
    text = "﻿key,value,class\n highway , primary , main road \n\n".replace(",", separator)
    found = map_legend.read(maps.legend(tmp_path, text))
    assert [(e.key, e.value, e.name, e.width) for e in found.entries] == [
        ("highway", "primary", "main road", None)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key,value\nhighway,primary\n", "has no column class.*Its columns are key, value, class and"),
        ("key,value,class,width\na,b,c,3\n", "has columns that it should not, or has twice: width"),
        ("key,value,class,key\na,b,c,d\n", "has twice: key"),
        ("", "has no column key, value, class"),
        (HEADER, "has no line below its header"),
        (HEADER + "a,,road,,\n", r"legend\.csv, line 2: has no value\. Fill it in; '\*' is any value"),
        (HEADER + "a,b\n", "line 2: has no class"),
        (HEADER + "a,b,road,0,\n", "line 2, width_m: '0' is no width. Give the width in metres"),
        (HEADER + "a,b,road,8 m,\n", "line 2, width_m: '8 m' is no width"),
        (HEADER + "a,b,road,inf,\n", "line 2, width_m: 'inf' is no width"),
        (HEADER + "a,b,road,1,top\n", "line 2, order: 'top' is no number"),
        (HEADER + "a,b,road,1,\na,b,road,2,\n", "line 3: a=b stands in line 2 already"),
        (HEADER + "a,b,Road,1,\na,c,road,2,\n", "line 3: class 'road' differs from 'Road' of line 2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        map_legend.read(maps.legend(tmp_path, text))


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as found:
        map_legend.read(maps.legend(tmp_path, HEADER + "a,,road,,\na,b,road,-1,\n"))
    assert "2 problems" in str(found.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as text"):
        map_legend.read(tmp_path / "none.csv")
    (tmp_path / "legend.xlsx").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(InputError, match=r"legend\.xlsx: cannot be read as text"):
        map_legend.read(tmp_path / "legend.xlsx")


def test_a_class_may_have_several_widths(tmp_path: Path) -> None:
    found = map_legend.read(maps.legend(tmp_path, HEADER + "a,b,road,3,\na,c,road,9,\n"))
    assert ([e.width for e in found.entries], found.classes) == ([3, 9], ("road",))

from collections import Counter
from fnmatch import filter as matching

import numpy as np
import pytest

from landloom.raster.ground import Ground
from landloom.starting import grouping
from landloom.starting.grouping import Item


def item(
    name: str, folders: tuple[str, ...] = (), west: float | None = None, pixels: str = "ab", south: float = 0
) -> Item:
    ground = None
    if west is not None:
        east, north = west + 10, south + 10
        quad = np.array([(west, south), (east, south), (east, north), (west, north)], np.float64)
        ground = Ground(name, "", "EPSG:32652", quad, 0.1)
    stem = name.rsplit("/")[-1]
    return Item(name, folders, stem, ground, 100, Counter({ord(p): 1 for p in pixels}))


def sides(items: list[Item]) -> tuple[set[str], set[str], set[str]]:
    found = grouping.divide(items)
    assert found is not None
    val, test = {i.name for i in found.val}, {i.name for i in found.test}
    assert val
    assert test
    assert not val & test
    return {i.name for i in items} - val - test, val, test


def group_of(names: set[str], length: int) -> set[str]:
    return {n[:length] for n in names}


def test_folders_stay_together() -> None:
    parts = sides([item(f"{t}_{p}", (f"Tile {t}", "images")) for t in range(5) for p in range(4)])
    groups = [group_of(p, 1) for p in parts]
    assert sum(map(len, groups)) == 5


def test_scenes_whose_names_begin_alike_stay_together() -> None:
    parts = sides([item(f"{s}_y{y}_x{x}") for s in (31, 32, 33, 34) for y in range(3) for x in range(3)])
    groups = [group_of(p, 2) for p in parts]
    assert sum(map(len, groups)) == 4


def test_places_that_touch_stay_together_whatever_their_names() -> None:
    items = [item(f"{i}", west=100 * (i % 4) + 10 * (i // 4)) for i in range(12)]  # four rows of three
    for part in sides(items):
        assert len(part) % 3 == 0
        assert {int(n) % 4 for n in part} == {int(n) % 4 for n in part if int(n) < 4}


def test_a_mosaic_is_cut_into_strips() -> None:
    items = [item(f"{i}", west=10 * (i // 4), south=10 * (i % 4)) for i in range(40)]  # ten columns of four
    parts = sides(items)
    for held in parts[1:]:
        assert max(map(int, held)) - min(map(int, held)) == len(held) - 1


def test_ranges_of_numbers_where_nothing_else_is_known() -> None:
    train, val, test = sides([item(str(n)) for n in range(6400, 6420)])
    assert (len(train), len(val), len(test)) == (13, 3, 4)
    for part in (val, test):  # in a row, which may go on from the last to the first
        steps = np.diff(sorted(map(int, part)))
        assert sum(s != 1 for s in steps) <= 1


def test_a_rare_class_stays_in_train() -> None:
    items = [item(str(n), pixels="abc" if n == 3 else "ab") for n in range(10)]
    assert "3" in sides(items)[0]


def test_folders_called_train_val_and_test_are_believed() -> None:
    items = [item(f"{s}{i}", (s, "images")) for s in ("train", "val", "test") for i in range(2)]
    assert sides(items) == ({"train0", "train1"}, {"val0", "val1"}, {"test0", "test1"})


def test_two_scenes_cannot_be_divided() -> None:
    assert grouping.divide([item("a"), item("b")]) is None


def test_ranges_of_numbers_as_patterns() -> None:
    every = [str(n) for n in range(7230, 7350)]
    found = grouping.patterns([str(n) for n in range(7240, 7262)], every)
    assert found == ["724*", "725*", "7260", "7261"]


def test_thousands_of_scenes_take_no_time() -> None:
    items = [item(str(n), west=7 * n) for n in range(3000)]  # a mosaic: it cannot be cut
    assert grouping.divide(items) is None
    assert sides([item(str(n)) for n in range(3000)])


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (["5_1", "5_2"], ["5_*"]),
        (["5_1"], ["5_1"]),
        (["1_1", "1_2", "5_1"], ["1_*", "5_1"]),
        (["10_1"], ["10_1"]),
        (["10_1", "10_2"], ["10_*"]),
    ],
)
def test_patterns_match_what_is_chosen_and_nothing_else(chosen: list[str], expected: list[str]) -> None:
    every = ["1_1", "1_2", "5_1", "5_2", "10_1", "10_2"]
    found = grouping.patterns(chosen, every)
    assert found == expected
    assert sorted({n for p in found for n in matching(every, p)}) == sorted(chosen)

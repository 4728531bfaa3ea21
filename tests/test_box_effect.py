"""Edits and measures of ``benchmarks/box_effect.py`` on a box whose places are known."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.detection.boxes import Found

FOLDER = Path(__file__).parents[1] / "benchmarks"
LONG = Object(1, [4.0, 8.0, 24.0, 8.0, 24.0, 16.0, 4.0, 16.0])
"""20 x 8 pixels, its middle at (14, 12)."""


@pytest.fixture
def effect(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    import box_effect

    return box_effect


def bounds(one: Object) -> tuple[list[float], list[float]]:
    return one.quad().min(0).tolist(), one.quad().max(0).tolist()


def test_a_moved_box_keeps_its_angle_and_a_turned_one_its_middle(effect: ModuleType) -> None:
    assert bounds(effect.moved(LONG)) == ([40, 48], [60, 56])  # its middle at (50, 52)
    assert bounds(effect.turned(LONG)) == ([10, 2], [18, 22])
    assert effect.moved(LONG).category == effect.turned(LONG).category == 1


def test_edits_that_leave_the_tile_or_the_box_where_it_was_are_left_out(effect: ModuleType) -> None:
    square = Object(0, [20.0, 20.0, 44.0, 20.0, 44.0, 44.0, 20.0, 44.0])
    edge = Object(0, [0.0, 30.0, 40.0, 30.0, 40.0, 34.0, 0.0, 34.0])
    pairs = [(Sample(id=str(i)), one) for i, one in enumerate((LONG, square, edge))]
    assert [row.id for row, _, _ in effect.edited(pairs, effect.turned)] == ["0", "2"]
    assert [row.id for row, _, _ in effect.edited(pairs, effect.moved)] == ["0", "2"]
    high = [(Sample(id="high"), Object(0, [0.0, 2.0, 40.0, 2.0, 40.0, 6.0, 0.0, 6.0]))]
    assert effect.edited(high, effect.turned) == []  # 18 pixels above the tile


def test_an_object_is_found_by_its_class_and_half_of_its_outline(effect: ModuleType) -> None:
    def found(category: int, shift: float) -> Found:
        return Found(LONG.quad()[None] + [shift, 0], np.array([category]), np.array([0.9]))

    assert effect.there(found(1, 0), LONG)
    assert effect.there(found(1, 6), LONG)  # 14 of 26 columns are shared
    assert not effect.there(found(1, 7), LONG)  # 13 of 27
    assert not effect.there(found(0, 0), LONG)
    assert not effect.there(found(1, 0).at(np.array([False])), LONG)


def test_the_change_inside_is_told_against_that_elsewhere(effect: ModuleType) -> None:
    empty = np.zeros((1, 3, 64, 64), np.float32)
    made = empty + np.float32(0.1)
    made[:, :, 8:16, 4:24] = 0.4
    assert effect.within(LONG).sum() == 160
    assert effect.change(made, empty, [LONG]) == pytest.approx(4)

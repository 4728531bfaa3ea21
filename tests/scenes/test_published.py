"""A copy of a public data set is compared with what its authors state."""

import pytest
from pydantic import ValidationError

from landloom.config import Config, load
from landloom.config.check import Published
from landloom.errors import InputError
from landloom.scenes.published import differences
from tests.tiny import CONFIG

SPLITS = dict.fromkeys("abc", "train") | {"d": "val", "e": "test"}
PIXELS = {"wood": {"train": 50, "val": 10, "test": 0}, "lake": {"train": 20, "val": 0, "test": 20}}


def said(**stated: object) -> list[str]:
    return list(differences(Published.model_validate({"source": "Lee 2020"} | stated), SPLITS, PIXELS))


def test_what_agrees_is_not_said() -> None:
    assert said(scenes={"train+val": 4, "test": 1}, shares={"wood": 0.61, "lake": 0.39}) == []
    assert list(differences(None, SPLITS, PIXELS)) == []


def test_scenes_that_are_missing_or_too_many_are_counted() -> None:
    few, many = said(scenes={"train+val": 6, "test": 0})
    assert few.startswith("Lee 2020 states 6 scenes in train+val, found 4: 2 missing; compare the folders")
    assert many.startswith("Lee 2020 states 0 scenes in test, found 1: 1 too many;")


def test_a_share_that_lies_apart_is_said_and_the_tolerance_says_how_far() -> None:
    (line,) = said(shares={"wood": 0.65, "lake": 0.39})
    assert line.startswith("Lee 2020 states 65 % 'wood', found 60 %:")
    assert said(shares={"wood": 0.65}, tolerance=0.06) == []


def test_a_part_of_the_pixels_may_differ_by_chance() -> None:
    stated = Published(source="x", shares={"wood": 0.65}, tolerance=0.02)
    assert list(differences(stated, SPLITS, PIXELS, (400, 0.75))) == []  # 0.02 + 3 * sqrt(0.65 * 0.35 / 1600)
    assert len(list(differences(stated, SPLITS, PIXELS, (900, 0.75)))) == 1


def test_without_counted_pixels_no_share_is_doubted() -> None:
    stated = Published(source="x", shares={"wood": 0.9})
    assert list(differences(stated, SPLITS, {"wood": {"train": 0}})) == []


def test_splits_and_classes_must_be_known() -> None:
    with pytest.raises(ValidationError, match=r"train\+valid"):
        Published.model_validate({"source": "x", "scenes": {"train+valid": 3}})
    published = {"source": "x", "shares": {"wod": 0.5}}
    with pytest.raises(InputError, match=r"check\.published\.shares: no class is called wod"):
        load(CONFIG | {"check": {"published": published}})
    assert isinstance(load(CONFIG), Config)

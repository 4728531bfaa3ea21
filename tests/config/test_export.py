"""Exports of boxes, checked with the rest of the config."""

from typing import Any

import pytest

from landloom.config import Config, load
from landloom.config.export import BOXES
from landloom.errors import InputError
from tests.config.test_config import raw

REAL = {"label_sample": {"source": "real"}}
LAYOUT = {"label_sample": {"source": "layout"}}


def asked(formats: list[str], classes: list[str] | None, label: dict[str, Any] = REAL, **more: Any) -> Config:
    boxes = {"format": "dota", "path": "l/{scene}.txt", "classes": classes}
    data: dict[str, Any] = {} if classes is None else {"objects": boxes}
    if label == LAYOUT:  # masks are painted from objects
        data |= {
            "images": None,
            "masks": None,
            "classes": None,
            "scenes": [{"name": "a", "images": ["a.tif"]}],
        }
    return load(raw(data=data, export={"formats": formats}, generators={"plain": {}, "boxed": label}, **more))


@pytest.mark.parametrize("name", sorted(BOXES))
def test_boxes_need_objects(name: str) -> None:
    with pytest.raises(InputError, match=rf"export\.formats: {name} hold boxes .* no data\.objects; add it"):
        asked(["coco", name], None)
    for label in (REAL, LAYOUT):
        assert asked(["coco", name], ["ship"], label).export.formats == ["coco", name]


def test_boxes_need_a_generator_whose_masks_have_them() -> None:
    with pytest.raises(InputError, match=r"no generator has label_sample\.source 'real' or 'layout'"):
        asked(["dota"], ["ship"], {})
    with pytest.raises(InputError, match="no generator has"):  # a generator of real pairs is not exported
        asked(["dota"], ["ship"], REAL | {"image_sample": {"source": "real"}})
    assert asked(["coco"], ["ship"], {}).export.formats == ["coco"]


def test_names_are_told_apart_in_dota() -> None:
    alike = ["small vehicle", "small-vehicle"]
    with pytest.raises(InputError, match=r"dota has no spaces .* or one twice; rename one"):
        asked(["dota"], alike)
    with pytest.raises(InputError, match="has no name"):
        asked(["dota"], ["ship", " "])
    assert asked(["yolo-obb"], alike).export.formats == ["yolo-obb"]


def test_layouts_need_masks_that_are_painted_from_objects() -> None:
    with pytest.raises(InputError, match=r"'layout' for 'boxed' needs masks that are painted .* leave out"):
        load(raw(generators={"boxed": LAYOUT}))


def test_a_detector_needs_objects() -> None:
    with pytest.raises(InputError, match=r"detect\.networks: a detector looks for objects, .*; add it"):
        load(raw(detect={"networks": {"centre": {}}}))

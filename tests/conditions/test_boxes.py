from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.box_maps import drawn
from landloom.conditions.boxes import Boxes
from landloom.conditions.group import Conditions
from landloom.config.boxes import KeptBoxesConfig
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.data import samples
from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.data.symmetry import turn_points
from landloom.errors import InputError
from tests import bright_boxes

SIDE = 32


def rectangle(x: float, y: float, width: float, height: float, angle: float = 0, category: int = 0) -> Object:
    """A box by its centre, sides and the angle of its width, in degrees from x to y."""
    turn = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    along, across = turn * width / 2, np.array([-turn[1], turn[0]]) * height / 2
    steps = [-along - across, along - across, along + across, across - along]
    return Object(category, (np.array([x, y]) + steps).ravel().tolist())


def turned(one: Object, variant: int) -> Object:
    corners = turn_points(torch.from_numpy(one.quad()), variant, SIDE)
    return replace(one, corners=corners.flatten().tolist())


def made(dropout: float = 0.1) -> Boxes:
    return Boxes(["ship", "car"], SIDE, dropout)


def shown(*found: Object) -> np.ndarray[Any, Any]:
    """Channels (6, H, W) of a sample with some objects: ship, car, depth, sine, cosine, known."""
    own = made()
    assert own.module is not None
    return np.asarray(own.module(own.load([Sample("a", objects=list(found))]))[0])


def test_a_level_box_by_hand() -> None:
    """Columns 4 to 11 and rows 10 to 13: wider than high, so its angle is 0."""
    ship, car, depth, sine, cosine, known = shown(rectangle(8, 12, 8, 4))
    inside = np.zeros((SIDE, SIDE), bool)
    inside[10:14, 4:12] = True
    assert (ship[inside] == 1).all()
    # Half a pixel outside of a side it is half, at a corner 1 - sqrt(0.5).
    assert ship[11, 2:5] == pytest.approx([0, 0.5, 1], abs=0.003)
    assert ship[9, 3] == pytest.approx(1 - 0.5**0.5, abs=0.003)
    assert not ship[:, 13:].any()
    assert not car.any()
    assert depth[12, 4:8] * 6 == pytest.approx(np.log2(1 + np.array([0.5, 1.5, 1.5, 1.5])), abs=0.02)
    assert not depth[~inside].any()
    assert not sine.any()
    assert (cosine == inside).all()
    assert (known == 1).all()


def test_a_box_at_45_degrees_by_hand() -> None:
    """Its long side runs to the lower right."""
    ship, _, depth, sine, cosine, _ = shown(rectangle(16, 16, 16, 6, 45))
    diagonal = np.arange(11, 21)
    assert (ship[diagonal, diagonal] == 1).all()
    # Pixel 16, 16 lies on the middle line, 3 pixels from the long sides; 17, 15 is sqrt(2) nearer to one.
    assert depth[16, 16] * 6 == pytest.approx(2, abs=0.02)
    assert depth[17, 15] * 6 == pytest.approx(np.log2(4 - 2**0.5), abs=0.02)
    # 19, 13 lies 3 sqrt(2) off the middle line, 1.24 pixels outside; 18, 13 is 0.54 outside.
    assert (depth[19, 13], ship[19, 13]) == (0, 0)
    assert ship[18, 13] == pytest.approx(1 - (5 / 2**0.5 - 3), abs=0.003)
    assert (sine[16, 16], cosine[16, 16]) == (1, 0)
    assert (sine[19, 13], cosine[19, 13]) == (0, 0)
    other = shown(rectangle(16, 16, 6, 16, 45))  # the long side is across
    assert (other[3, 16, 16], other[4, 16, 16]) == (-1, 0)
    steep = shown(rectangle(16, 16, 16, 6, 60))
    assert steep[3:5, 16, 16] == pytest.approx([np.sin(2 * np.pi / 3), np.cos(2 * np.pi / 3)], abs=0.005)


def test_a_valley_lies_between_objects_that_touch() -> None:
    two = shown(rectangle(10, 16, 8, 8), rectangle(18, 16, 8, 8))
    one = shown(rectangle(14, 16, 16, 8))
    assert (two[0] == one[0]).all()  # the map of the class does not tell them apart
    row = two[2, 16, 6:22] * 6
    expected = [0.5, 1.5, 2.5, 3.5, 3.5, 2.5, 1.5, 0.5]
    assert row == pytest.approx(np.log2(1 + np.array(expected * 2)), abs=0.02)
    assert (one[2, 16, 13:15] * 6 > 2).all()


def test_a_smaller_object_lies_upon_a_larger_one_whatever_their_order() -> None:
    field, car = rectangle(16, 16, 24, 20), rectangle(16, 16, 4, 8, category=1)
    first, second = shown(field, car), shown(car, field)
    assert (first == second).all()
    assert (first[:2, 16, 16] == 1).all()  # both are told
    assert (first[4, 16, 16], first[4, 16, 8]) == (-1, 1)  # the angle of the car, and that of the field
    # From the middle of the car to the left: its half width is 2, and so near is the field to its border.
    assert first[2, 16, 11:16] * 6 == pytest.approx(np.log2([3.5, 2.5, 1.5, 1.5, 2.5]), abs=0.02)


def test_all_of_58_objects_are_there() -> None:
    side, cells = 512, [(i % 8, i // 8) for i in range(58)]
    many = [rectangle(32 + 60 * x, 32 + 60 * y, 9, 4, 20 * i) for i, (x, y) in enumerate(cells)]
    found = drawn(many, 1, side)
    assert all(found[0, 32 + 60 * y, 32 + 60 * x] == 254 for x, y in cells)
    for number in (0, 30, 57):
        less = drawn(many[:number] + many[number + 1 :], 1, side)
        assert (found != less).any()


def test_what_lies_in_part_outside_of_the_tile_is_whole_beyond_its_edge() -> None:
    cut = shown(rectangle(0, 16, 12, 8))
    assert cut[2, 16, 0] * 6 == pytest.approx(np.log2(4.5), abs=0.02)  # 3.5 from below, not 0.5 from the edge
    assert not shown(rectangle(-20, 16, 12, 8))[:5].any()


def test_corners_may_run_either_way_and_start_anywhere() -> None:
    one = rectangle(15, 14, 13, 5, 33)
    expected = drawn([one], 1, SIDE)
    for quad in (one.quad()[::-1], np.roll(one.quad(), 1, 0), np.roll(one.quad(), 2, 0)):
        assert (drawn([Object(0, quad.ravel().tolist())], 1, SIDE) == expected).all()


def test_no_objects_are_known_and_not_looked_for_is_not() -> None:
    own = made()
    told = own.load([Sample("none", objects=[]), Sample("unknown", objects=None)])
    assert own.module is not None
    channels = own.module(told)
    assert channels.shape == (2, 6, SIDE, SIDE) == (2, len(own.channels), SIDE, SIDE)
    assert not channels[0, :5].any()
    assert channels[0, 5].eq(1).all()
    assert not channels[1].any()
    assert own.untold(told).tolist() == [False, True]


LENGTHS = st.floats(1, 20)
RECTANGLES = st.builds(
    rectangle, *[st.floats(-2, SIDE + 2)] * 2, LENGTHS, LENGTHS, st.floats(0, 180), st.integers(0, 1)
)
LEVEL = st.builds(rectangle, *[st.integers(0, SIDE)] * 2, *[st.integers(1, 20)] * 2)

DIAGONAL = st.builds(
    lambda x, y, width, height: rectangle(x + 0.5, y + 0.5, width * 2**0.5, height * 2**0.5, 45),
    *[st.integers(0, SIDE)] * 2, *[st.integers(1, 14)] * 2,
)  # fmt: skip
"""Borders that run through the centres of pixels, as near as floating point has them."""


@settings(deadline=None, max_examples=60)
@given(st.lists(RECTANGLES | LEVEL | DIAGONAL, max_size=5), st.integers(0, 7))
@example(
    [rectangle(0.5, 1.5, 3 * 2**0.5, 2**0.5, 45)], 1
)  # a corner as high as centres of pixels, but for rounding
def test_turned_objects_are_drawn_as_their_pixels_turn(found: list[Object], variant: int) -> None:
    own = made()
    straight = own.load([Sample("a", objects=found), Sample("b", objects=None)])
    other = own.load([Sample("a", objects=[turned(o, variant) for o in found]), Sample("b", objects=None)])
    assert torch.equal(own.turn(straight, torch.tensor([variant] * 2)), other)


def test_each_of_a_batch_turns_by_its_own_variant() -> None:
    own, one = made(), rectangle(12, 15, 14, 5, 30)
    raw = own.load([Sample("a", objects=[one])] * 8)
    expected = own.load([Sample("a", objects=[turned(one, v)]) for v in range(8)])
    assert torch.equal(own.turn(raw, torch.arange(8)), expected)
    assert len(expected.unique(dim=0)) == 8


def test_a_sample_of_which_nobody_knows_objects_is_refused_if_training_always_knew_them() -> None:
    with pytest.raises(InputError, match=r"t1: has no list of objects, which the condition 'boxes' of the"):
        made(dropout=0).load([Sample("t1")])


def test_a_class_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"t1: has an object of class 2, but the model learned .* 0 to 1"):
        made().load([Sample("t1", objects=[rectangle(8, 8, 4, 4, category=2)])])


def told(section: dict[str, Any], dataset: Any) -> Any:
    host = Host(dataset, "caption", torch.zeros(1, 7, 32), 64)
    return registry.told(ImageTrainConfig.model_validate(section), host).members.get("boxes")


def test_from_the_tiles_to_the_sampler(tmp_path: Path) -> None:
    """Encode keeps them where it is asked, and the model's folder has all that a sampler needs."""
    shards, dataset = bright_boxes.tiles(tmp_path, 4, 1, 1), bright_boxes.dataset()
    assert "boxes" not in registry.recorded(EncodeConfig(), dataset, shards)
    kept = registry.recorded(EncodeConfig(boxes=KeptBoxesConfig()), dataset, shards)
    assert (kept["boxes"].dtype, kept["boxes"].shape) == (
        torch.uint8,
        (4, 5, bright_boxes.SIDE, bright_boxes.SIDE),
    )
    own = told({"boxes": {"dropout": 0.25}}, dataset)
    registry.save(Conditions([own]), tmp_path)
    again = registry.load(tmp_path).members["boxes"]
    assert torch.equal(own.cached(kept), again.load(list(samples.read(shards, split="train"))))
    assert again.channels == ["red", "green", *own.channels[-4:]]
    assert (again.dropout, len(own.channels)) == (0.25, 6)
    none = registry.recorded(EncodeConfig(boxes=KeptBoxesConfig()), dataset, [])["boxes"]
    assert none.shape == (0, 5, bright_boxes.SIDE, bright_boxes.SIDE)


def test_training_tells_it_where_it_is_switched_on_and_objects_are_listed() -> None:
    assert told({}, bright_boxes.dataset()) is None
    assert told({"boxes": {}}, bright_boxes.dataset()).dropout == 0.1
    with pytest.raises(InputError, match=r"image_train\.boxes: the tiles have no lists of objects"):
        told({"boxes": {}}, bright_boxes.dataset(objects=None))
    with pytest.raises(InputError, match=r"t7: has no 'objects'"):
        made().load([SimpleNamespace(id="t7")])

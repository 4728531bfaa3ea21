import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.data.objects import Object
from landloom.detection import boxes

LEVEL = np.array([[[2.0, 1.0], [8.0, 1.0], [8.0, 4.0], [2.0, 4.0]]])


def test_a_level_box_has_its_long_side_along_x() -> None:
    assert boxes.boxes(LEVEL, "rotated")[0] == pytest.approx([5, 2.5, 6, 3, 0, 1])
    assert boxes.boxes(LEVEL, "horizontal")[0] == pytest.approx([5, 2.5, 6, 3, 0, 1])


def test_a_standing_box_has_its_long_side_along_y() -> None:
    standing = LEVEL[..., ::-1]
    assert boxes.boxes(standing, "rotated")[0] == pytest.approx([2.5, 5, 6, 3, 0, -1])
    assert boxes.boxes(standing, "horizontal")[0] == pytest.approx([2.5, 5, 3, 6, 0, 1])


def test_a_diamond_is_a_square_at_45_degrees_and_fills_its_level_box() -> None:
    diamond = np.array([[[5.0, 1.0], [9.0, 5.0], [5.0, 9.0], [1.0, 5.0]]])
    x, y, long, short, sine, cosine = boxes.boxes(diamond, "rotated")[0]
    assert (x, y, long, short) == pytest.approx((5, 5, 32**0.5, 32**0.5))
    assert (abs(sine), cosine) == pytest.approx((1, 0))
    assert boxes.outline(diamond, "horizontal")[0].min(0).tolist() == [1, 1]
    assert boxes.outline(diamond, "horizontal")[0].max(0).tolist() == [9, 9]


@given(
    st.tuples(*[st.floats(-50, 50)] * 2), st.floats(1, 40), st.floats(0.1, 0.95), st.floats(-1.5, 1.5),
    st.integers(0, 3), st.booleans(),
)  # fmt: skip
def test_corners_come_back_whatever_their_order(
    centre: tuple[float, float], long: float, share: float, angle: float, first: int, mirrored: bool
) -> None:
    box = np.array([[*centre, long, share * long, np.sin(2 * angle), np.cos(2 * angle)]])
    quad = np.roll(boxes.corners(box), first, axis=1)
    quad = quad[:, ::-1] if mirrored else quad
    assert boxes.boxes(quad, "rotated") == pytest.approx(box, abs=1e-6)


def test_overlaps_of_squares_by_hand() -> None:
    square = np.array([[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]])
    half = square + np.array([2.0, 0.0])
    diamond = np.array([[[2.0, -0.8284271], [4.8284271, 2.0], [2.0, 4.8284271], [-0.8284271, 2.0]]])
    union = boxes.overlaps(square, np.concatenate([square, half, diamond, square + 9]))
    assert union[0, :2].tolist() == [1, 8 / 24]
    # Two equal squares at 45 degrees share a regular octagon of 2 (sqrt 2 - 1) of the side squared.
    octagon = 2 * (2**0.5 - 1)
    assert union[0, 2] == pytest.approx(octagon / (2 - octagon))
    assert union[0, 3] == 0
    assert boxes.overlaps(square, boxes.quads([])).shape == (1, 0)
    assert boxes.overlaps(boxes.quads([]), square).shape == (0, 1)


def test_quads_of_no_objects_are_empty() -> None:
    assert boxes.quads([]).shape == (0, 4, 2)
    assert boxes.boxes(boxes.quads([]), "rotated").shape == (0, 6)
    assert boxes.quads([Object(0, [0, 0, 1, 0, 1, 1, 0, 1])]).shape == (1, 4, 2)

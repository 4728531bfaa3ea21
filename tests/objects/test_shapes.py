import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.objects import shapes


def test_a_turned_rectangle_is_found_from_points_on_its_rim() -> None:
    quad = np.array([[10, 0], [20, 10], [10, 20], [0, 10]], float)
    points = np.concatenate([quad, (quad + np.roll(quad, -1, 0)) / 2])
    found = shapes.rectangle(points)
    assert found[0] == pytest.approx([10, 0])  # the uppermost
    assert found == pytest.approx(quad)
    assert shapes.signed_area(found) == pytest.approx(200)


def test_points_on_a_line_have_a_box_without_area() -> None:
    assert shapes.signed_area(shapes.rectangle([[0, 0], [4, 4], [2, 2]])) == pytest.approx(16)  # its own box
    assert shapes.signed_area(shapes.rectangle([[0, 1], [4, 1], [2, 1]])) == 0


@given(st.floats(0, 6.28), st.floats(1, 50), st.floats(1, 50))
def test_corners_run_clockwise_from_wherever_they_came(angle: float, width: float, height: float) -> None:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    quad = shapes.box(-width / 2, -height / 2, width, height) @ turn
    assert shapes.signed_area(shapes.clockwise(quad[::-1])) == pytest.approx(width * height)
    assert shapes.clockwise(quad[::-1])[0] == pytest.approx(quad[3])
    assert not shapes.crosses_itself(quad)
    assert shapes.crosses_itself(quad[[0, 2, 1, 3]])


def test_shares_within_by_hand() -> None:
    quads = np.stack([shapes.box(0, 0, 10, 10), shapes.box(8, 0, 4, 4), shapes.box(20, 20, 1, 1)])
    assert shapes.shares_within(quads, (0, 0, 10, 5)).tolist() == [0.5, 0.5, 0.0]

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window as Slice

from landloom.data.objects import Object
from landloom.data.symmetry import turn, turn_points
from landloom.objects.shapes import box
from landloom.objects.tiles import Layout
from landloom.raster.windows import Window


def boxed(category: int, *sides: float) -> Object:
    return Object(category, box(*sides).ravel().tolist(), difficult=category == 1)


def test_a_tile_takes_along_what_lies_in_it_by_half_and_keeps_corners() -> None:
    layout = Layout([boxed(0, 28, 4, 8, 8), boxed(1, 29, 20, 8, 8), boxed(2, 80, 80, 4, 4)], 0.5)
    left, right = layout.within(Window(0, 0, 32, 32)), layout.within(Window(0, 32, 32, 32))
    assert [(o.category, o.difficult, o.corners[:4]) for o in left] == [(0, False, [28, 4, 36, 4])]
    assert [(o.category, o.difficult, o.corners[:4]) for o in right] == [
        (0, False, [-4, 4, 4, 4]),
        (1, True, [-3, 20, 5, 20]),
    ]
    assert Layout([], 0.5).within(Window(0, 0, 32, 32)) == []


@given(
    st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(1, 30), st.floats(1, 30)), max_size=6)
)
def test_with_a_small_share_no_object_is_lost_and_with_more_than_half_none_comes_twice(
    sides: list[tuple[float, float, float, float]],
) -> None:
    objects = [boxed(i, *s) for i, s in enumerate(sides)]
    windows = [Window(row, col, 64, 64) for row in (0, 64) for col in (0, 64)]
    for share, fits in ((0.25, lambda n: n >= 1), (0.51, lambda n: n <= 1)):
        taken = [o.category for w in windows for o in Layout(objects, share).within(w)]
        assert all(fits(taken.count(o.category)) for o in objects)


def test_a_mask_is_painted_and_the_smaller_object_shows() -> None:
    layout = Layout([boxed(0, 4, 4, 2, 2), boxed(1, 2, 2, 6, 6)], 0.5)
    whole = layout.painting().read(Slice(0, 0, 10, 10))[0]
    assert np.bincount(whole.ravel()).tolist() == [64, 4, 32]
    assert whole[4:6, 4:6].tolist() == [[1, 1], [1, 1]]
    assert np.array_equal(layout.painting().read(Slice(3, 1, 5, 4))[0], whole[1:5, 3:8])


@pytest.mark.parametrize("variant", range(8))
@given(st.integers(0, 2**31))
def test_corners_turn_as_the_image_does(variant: int, seed: int) -> None:
    """Paint, then turn; turn the corners, then paint."""
    rng = np.random.default_rng(seed)
    objects = [boxed(i, *(rng.integers(0, 20, 2) + 0.25), *rng.integers(3, 12, 2)) for i in range(3)]
    painted = Layout(objects, 0.5).painting().read(Slice(0, 0, 32, 32))[0]
    turned = [
        Object(o.category, turn_points(torch.from_numpy(o.quad()), variant, 32).ravel().tolist())
        for o in objects
    ]
    again = Layout(turned, 0.5).painting().read(Slice(0, 0, 32, 32))[0]
    assert np.array_equal(turn(torch.from_numpy(painted), variant).numpy(), again)

"""Outlines of regions: filled again they are the mask."""

import numpy as np
import pytest
from rasterio.features import rasterize

from landloom.raster.labels import IGNORE
from landloom.raster.outlines import Ring, area, outlines


def fill(ring: Ring, shape: tuple[int, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Pixels whose centre lies in a ring."""
    corners = [*ring.tolist(), ring[0].tolist()]
    filled = rasterize([{"type": "Polygon", "coordinates": [corners]}], shape)
    return np.asarray(filled).astype(bool)


def noisy(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """A mask whose first class is full of holes, some inside of others, with ignored pixels."""
    rng = np.random.default_rng(seed)
    mask = rng.choice(3, tuple(rng.integers(1, 24, 2)), p=[0.8, 0.1, 0.1]).astype(np.uint8)
    mask[rng.random(mask.shape) < 0.05] = IGNORE
    return mask


@pytest.mark.parametrize("seed", range(40))
def test_filled_outlines_are_the_mask(seed: int) -> None:
    mask = noisy(seed)
    back, times = np.full_like(mask, IGNORE), np.zeros(mask.shape, int)
    for category, ring in outlines(mask):
        inside = fill(ring, mask.shape)
        assert area(ring) == inside.sum()  # a slit that left its region, or crossed another, would count
        back[inside] = category
        times += inside
    assert times.max(initial=0) <= 1
    np.testing.assert_array_equal(back, mask)


def test_a_hole_is_joined_by_a_slit_by_hand() -> None:
    mask = np.zeros((3, 3), np.uint8)
    mask[1, 1] = IGNORE
    ((category, ring),) = outlines(mask)
    assert category == 0
    assert area(ring) == 8
    assert len(ring) == 4 + 4 + 4  # the outer ring, the hole, and both ends of the slit on either way
    assert ring.tolist().count([0, 1.25]) == ring.tolist().count([1, 1.25]) == 2


def test_pixels_that_meet_at_a_corner_are_two_regions() -> None:
    mask = np.array([[1, IGNORE], [IGNORE, 1]], np.uint8)
    assert sorted((c, area(r)) for c, r in outlines(mask)) == [(1, 1), (1, 1)]
    assert not list(outlines(np.full((2, 2), IGNORE, np.uint8)))


def test_slits_that_leave_one_edge_are_met_in_their_order() -> None:
    mask = np.zeros((7, 3), np.uint8)
    mask[[1, 3, 5], 1] = IGNORE
    ((_, ring),) = outlines(mask)
    ends = np.roll(ring, -1, 0)
    along = (ring[:, 0] == 0) & (ends[:, 0] == 0)
    assert np.abs(ends[along, 1] - ring[along, 1]).sum() == 7  # up the left side once, and never back

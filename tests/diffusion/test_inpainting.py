from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from landloom.data import kept_pixels
from landloom.data.samples import Sample
from landloom.diffusion.inpainting import View, axis, earlier, owned, painted, thin
from landloom.raster.windows import Window
from tests import shards

SIDE = shards.SIDE


class Mean:
    """Paints the mean of what is known, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[Sample, int]] = []

    def __call__(self, rows: Sequence[Sample], seeds: Sequence[int], start: None) -> NDArray[np.float32]:
        self.seen += zip(rows, seeds, strict=True)
        made = []
        for row in rows:
            kept = kept_pixels.of(row)
            value = kept.values[:, kept.known].mean(1) if kept else np.zeros(3)
            made.append(np.broadcast_to(value[:, None, None], (3, SIDE, SIDE)) / 127.5 - 1)
        return np.float32(made)


def run(image: NDArray[np.uint8], hole: NDArray[np.bool_], paint: Any, seed: int = 0) -> NDArray[np.uint8]:
    """The image with its hole painted."""
    made, (height, width) = image.copy(), hole.shape

    def look(window: Window) -> View:
        r, c, h, w = window
        edge = ((0, max(0, r + h - height)), (0, max(0, c + w - width)))
        cut = np.s_[r : r + h, c : c + w]
        shown = np.pad(made[:, *cut], ((0, 0), *edge), mode="reflect")
        valid = np.pad(np.ones(made[0][cut].shape, bool), edge)
        return View(shown, valid, np.zeros((h, w), np.uint8), np.pad(hole[cut], edge))

    for (r, c, h, w), values, where in painted(height, width, shards.dataset(), look, paint, seed):
        part = made[:, r : r + h, c : c + w]
        part[:, where] = values[:, where]
    return made


@given(st.integers(1, 400), st.sampled_from([16, 32, 64]))
def test_every_pixel_belongs_to_one_window_that_looks_around_it(length: int, size: int) -> None:
    parts = axis(length, size)
    assert [p[1] for p in parts] == [0, *(p[2] for p in parts[:-1])]
    assert parts[-1][2] == length
    for begin, low, high in parts:
        assert begin <= low < high <= begin + size
        assert low == 0 or low - begin >= size // 4
        assert high == length or begin + size - high >= size // 4


def test_only_the_hole_is_painted_and_only_windows_that_own_some_of_it_are_asked() -> None:
    rng = np.random.default_rng(0)
    image, hole, paint = (
        rng.integers(0, 255, (3, 100, 140)).astype(np.uint8),
        np.zeros((100, 140), bool),
        Mean(),
    )
    hole[40:50, 60:75] = True
    made = run(image, hole, paint)
    assert np.array_equal(made[:, ~hole], image[:, ~hole])
    assert (made[:, hole] != image[:, hole]).mean() > 0.9
    touched = sum(hole[r : r + h, c : c + w].any() for _, (r, c, h, w) in owned(100, 140, SIDE))
    assert len(paint.seen) == touched < len(list(owned(100, 140, SIDE)))


def test_later_windows_know_what_earlier_ones_painted_and_nothing_of_the_hole() -> None:
    image, hole, paint = np.full((3, 32, 64), 200, np.uint8), np.zeros((32, 64), bool), Mean()
    hole[8:24, 8:56] = True
    image[:, hole] = 9  # what is to be hidden
    made = run(image, hole, paint)
    assert (made[:, hole] == 200).all()
    for sample, _ in paint.seen:
        kept = kept_pixels.of(sample)
        assert kept is not None
        assert (kept.values[:, kept.known] == 200).all()
    first, later = (kept_pixels.of(s) for s, _ in paint.seen[:2])
    assert first is not None
    assert later is not None
    assert first.known[10, 4:].sum() < later.known[10].sum()


def test_pixels_of_earlier_parts_are_those_above_and_to_the_left() -> None:
    found = earlier(Window(16, 16, 32, 32), Window(24, 24, 16, 16))
    assert found[:8].all()
    assert found[8:24, :8].all()
    assert not found[8:24, 8:].any()
    assert not found[24:].any()


def test_an_image_smaller_than_a_tile_knows_nothing_outside() -> None:
    image, hole, paint = np.full((3, 20, 24), 50, np.uint8), np.zeros((20, 24), bool), Mean()
    hole[5:9, 5:9] = True
    assert (run(image, hole, paint) == 50).all()
    (sample, _), *none = paint.seen
    kept = kept_pixels.of(sample)
    assert kept is not None
    assert kept.known.sum() == 20 * 24 - 16
    assert not none


def test_a_window_without_a_known_pixel_is_told_none() -> None:
    image, hole, paint = np.full((3, 32, 96), 50, np.uint8), np.ones((32, 96), bool), Mean()
    hole[:, 80:] = False
    run(image, hole, paint)
    assert paint.seen[0][0].layers == []


def test_seeds_belong_to_places_and_to_the_seed() -> None:
    image, hole = np.zeros((3, 64, 64), np.uint8), np.zeros((64, 64), bool)
    hole[20:44, 20:44] = True
    drawn = []
    for seed in (0, 0, 1):
        paint = Mean()
        run(image, hole, paint, seed)
        drawn.append([n for _, n in paint.seen])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0]) | set(drawn[2])) == 2 * len(drawn[0])


@pytest.mark.parametrize(
    ("width", "cell", "expected"), [(1, 4, True), (3, 4, False), (8, 4, False), (3, 8, True)]
)
def test_holes_thinner_than_a_latent_cell_are_seen(width: int, cell: int, expected: bool) -> None:
    hole = np.zeros((32, 32), bool)
    assert not thin(hole, cell)
    hole[:, 10 : 10 + width] = True
    assert thin(hole, cell) is expected

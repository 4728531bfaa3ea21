from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landloom.copy_paste import assembly
from landloom.copy_paste.assembly import Collages, assembled
from landloom.raster.labels import IGNORE
from tests import shards
from tests.collages import library, made, wanted


def test_a_pixel_is_of_the_first_part_that_has_its_class_there() -> None:
    mask = np.array([[0, 1], [1, 0]], np.uint8)
    parts = [
        (np.array([[0, 0], [0, 1]], np.uint8), np.full((1, 2, 2), 0.1, np.float32)),
        (np.array([[0, 1], [0, 1]], np.uint8), np.full((1, 2, 2), 0.2, np.float32)),
        (np.array([[0, 1], [1, 0]], np.uint8), np.full((1, 2, 2), 0.3, np.float32)),
        (np.array([[0, 1], [1, 0]], np.uint8), np.full((1, 2, 2), 0.4, np.float32)),
    ]
    image, used = assembled(mask, parts, 1)
    assert np.array_equal(image[0], np.float32([[0.1, 0.2], [0.3, 0.3]]))
    assert used == [1, 1, 2, 0]


def test_later_parts_take_on_the_colours_of_the_first_class_by_class() -> None:
    side = 16
    mask = np.repeat(np.uint8([[0, 1]]), side, 0).repeat(side // 2, 1)
    first = np.where(np.arange(side)[:, None] < side // 2, mask, 7).astype(np.uint8)  # its upper half fits
    base = np.where(mask == 0, 0.5, -0.5).astype(np.float32)[None]
    grain = np.random.default_rng(0).normal(0, 0.05, base.shape).astype(np.float32)
    image, used = assembled(mask, [(first, base), (mask, base - 0.3 + grain)], 1)
    assert used == [side * side // 2] * 2
    lower = image[0, side // 2 :]
    for k, color in ((0, 0.5), (1, -0.5)):
        here = mask[side // 2 :] == k
        assert lower[here].mean() == pytest.approx(color, abs=1e-5)
        assert lower[here].std() == pytest.approx(grain[0, side // 2 :][here].std(), rel=1e-3)
    few = mask.copy()
    few[few == 1] = 0
    few[:, -1] = 1  # too few pixels of the class to tell its colour
    image, _ = assembled(few, [(first, base), (few, base - 0.3)], 1)
    assert np.allclose(image[0, side // 2 :, -1], -0.8)


def test_what_no_part_fits_takes_the_nearest_pixel_of_its_class() -> None:
    mask = np.array([[1, 0, 0, 0]], np.uint8)
    part = (np.array([[0, 0, 1, 1]], np.uint8), np.float32([[[0.1, 0.2, 0.3, 0.4]]]))
    image, used = assembled(mask, [part], 1)
    assert np.array_equal(image[0], np.float32([[0.3, 0.2, 0.2, 0.2]]))
    assert used == [4]


def test_a_class_that_no_part_has_takes_the_nearest_pixel_of_all() -> None:
    mask = np.array([[0, 2, 2, 1]], np.uint8)
    part = (np.array([[0, 0, 1, 1]], np.uint8), np.float32([[[0.1, 0.2, 0.3, 0.4]]]))
    image, used = assembled(mask, [part], 1)
    assert np.array_equal(image[0], np.float32([[0.1, 0.1, 0.4, 0.4]]))
    assert used == [2]
    assert np.array_equal(assembled(mask, [], 1)[0][0], np.zeros((1, 4), np.float32))


def test_pixels_without_a_class_show_the_first_part() -> None:
    mask = np.array([[IGNORE, 1]], np.uint8)
    parts = [
        (np.array([[0, 0]], np.uint8), np.float32([[[0.1, 0.2]]])),
        (np.array([[1, 1]], np.uint8), np.float32([[[0.3, 0.4]]])),
    ]
    assert np.array_equal(assembled(mask, parts, 1)[0], np.float32([[[0.1, 0.4]]]))


def test_a_collage_shows_the_classes_of_its_mask(tmp_path: Path) -> None:
    labels = shards.mask(np.random.default_rng(5))
    image, parents = made(library(tmp_path), wanted(labels))
    colors = (image.transpose(1, 2, 0) + 1) * 127.5
    nearest = np.square(colors[:, :, None] - shards.COLORS).sum(-1).argmin(-1)
    assert np.array_equal(nearest, labels)
    assert len(parents) > 1
    assert all(p.startswith("train") for p in parents)


def test_more_samples_than_a_block_are_read_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "BLOCK", 2)
    rng, shelf = np.random.default_rng(5), library(tmp_path)
    rows = [replace(wanted(shards.mask(rng)), id=str(i)) for i in range(5)]
    together = Collages(shelf, [(s, 3) for s in rows])
    for row in [*rows, rows[0]]:
        assert np.array_equal(together(row, 3).image, made(shelf, row, 3)[0])


def test_shares_of_tiles_sum_to_one_largest_first(tmp_path: Path) -> None:
    shelf = library(tmp_path)
    row = wanted(shards.mask(np.random.default_rng(5)))
    shares = list(Collages(shelf, [(row, 0)])(row, 0).shares.values())
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)

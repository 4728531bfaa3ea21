from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom import collage, samples
from landloom.collage import Collages, Library, assembled
from landloom.config.image_sample import CollageConfig
from landloom.errors import InputError
from landloom.raster import codec
from landloom.samples import IGNORE, Sample
from tests import shards

SIDE = shards.SIDE


def library(folder: Path, train: int = 8, **config: int) -> Library:
    made = shards.tiles(folder, train=train)
    return Library(shards.dataset(), made, CollageConfig.model_validate(config))


def wanted(labels: NDArray[np.uint8], *parents: str) -> Sample:
    return Sample(id="m", mask=codec.encode(labels), parents=list(parents))


def made(from_: Library, sample: Sample, seed: int = 0) -> tuple[NDArray[np.float32], list[str]]:
    found = Collages(from_, [(sample, seed)])(sample, seed)
    return found.image, list(found.shares)


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


def test_the_tile_of_the_mask_fits_best_but_never_its_own_mask(tmp_path: Path) -> None:
    shelf = library(tmp_path)
    own = next(samples.read(tmp_path / "train.parquet"))
    found = [made(shelf, wanted(own.mask_array()), seed) for seed in range(20)]
    first = [image for image, parents in found if parents[0] == "train0"]
    assert first  # drawn by some seeds
    assert (np.abs(first[0] - shelf.dataset.scale(own.image_array())).max(0) < 1e-6).mean() > 0.7
    others = [made(shelf, wanted(own.mask_array(), "train0"), seed)[1] for seed in range(20)]
    assert not any("train0" in parents for parents in others)


def test_a_seed_is_a_collage_of_its_own_and_always_the_same(tmp_path: Path) -> None:
    labels = shards.mask(np.random.default_rng(5))
    shelf = library(tmp_path)
    first, again, other = (made(shelf, wanted(labels), seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_tile_gives_more_than_its_share(tmp_path: Path) -> None:
    """Also of a mask of one class, which any tile of that class would fill."""
    rng = np.random.default_rng(0)
    plain = np.ones((SIDE, SIDE), np.uint8)
    rows = [replace(shards.sample(str(i), rng, plain, scene=str(i)), image=codec.encode(
        np.full((3, SIDE, SIDE), 20 * i, np.uint8))) for i in range(8)]  # fmt: skip
    samples.write(tmp_path / "t.parquet", rows)
    for share in (0.5, 0.75):
        shelf = Library(shards.dataset(), [tmp_path / "t.parquet"], CollageConfig(share=share))
        lines = set()
        for seed in range(10):
            row = wanted(plain)
            found = Collages(shelf, [(row, seed)])(row, seed)
            assert max(found.shares.values()) == pytest.approx(share, abs=0.05)
            lines.add((found.image[0] == found.image[0, 0, 0]).tobytes())
        assert len(lines) > 5


def test_a_whole_tile_may_fill_an_image_if_it_may_give_all(tmp_path: Path) -> None:
    own = next(samples.read(shards.tiles(tmp_path)[0]))
    shelf = Library(shards.dataset(), [tmp_path / "train.parquet"], CollageConfig(share=1))
    found = [made(shelf, wanted(own.mask_array()), seed)[1] for seed in range(20)]
    assert ["train0"] in found


def test_no_more_pieces_than_asked_for_and_one_a_class(tmp_path: Path) -> None:
    labels = shards.mask(np.random.default_rng(5))
    assert len(library(tmp_path, pieces=1).chosen(wanted(labels), 0)) == 1 + len(np.unique(labels))


def test_tiles_that_share_pixels_with_the_parent_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    own = shards.mask(rng)
    places = {"parent": (0, 0), "beside": (0, SIDE), "overlaps": (SIDE // 2, SIDE // 2), "far": (SIDE, SIDE)}
    rows = [
        shards.sample(name, rng, own, scene="a", split="train", row=row, col=col)
        for name, (row, col) in places.items()
    ]
    samples.write(tmp_path / "t.parquet", rows)
    shelf = Library(shards.dataset(), [tmp_path / "t.parquet"], CollageConfig())
    seen = {p for seed in range(40) for p in made(shelf, wanted(own, "parent"), seed)[1]}
    assert seen == {"beside", "far"}


def test_small_objects_are_found_although_no_cell_shows_them(tmp_path: Path) -> None:
    side = 64  # two pixels a cell
    mask = np.zeros((side, side), np.uint8)
    mask[10, 10] = 2
    shown = np.stack([np.where(mask == 2, 250, 10)] * 3).astype(np.uint8)
    tiles = [
        Sample(id=str(i), mask=codec.encode(m), image=codec.encode(im), split="train", scene=str(i))
        for i, (m, im) in enumerate([(mask, shown), *[(np.zeros_like(mask), np.full_like(shown, 10))] * 7])
    ]
    samples.write(tmp_path / "t.parquet", tiles)
    other = np.zeros_like(mask)
    other[40:43, 40:43] = 2
    shelf = Library(shards.dataset(side), [tmp_path / "t.parquet"], CollageConfig())
    image, parents = made(shelf, wanted(other))
    assert "0" in parents
    assert (image[:, 40:43, 40:43] > 0.9).all()
    assert (image[:, other == 0] < -0.9).all()


def test_more_samples_than_a_block_are_read_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collage, "BLOCK", 2)
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


def test_nothing_to_cut_from_is_an_error(tmp_path: Path) -> None:
    labels = shards.mask(np.random.default_rng(5))
    with pytest.raises(InputError, match="all train tiles share pixels with train0"):
        library(tmp_path, train=1).chosen(wanted(labels, "train0"), 0)
    with pytest.raises(InputError, match="no train tile to cut from"):
        library(tmp_path, train=0)

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landloom.config.image_sample import CollageConfig
from landloom.copy_paste.assembly import Collages
from landloom.copy_paste.library import Library
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec
from tests import shards
from tests.collages import SIDE, library, made, wanted


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


def test_nothing_to_cut_from_is_an_error(tmp_path: Path) -> None:
    labels = shards.mask(np.random.default_rng(5))
    with pytest.raises(InputError, match="all train tiles share pixels with train0"):
        library(tmp_path, train=1).chosen(wanted(labels, "train0"), 0)
    with pytest.raises(InputError, match="no train tile to cut from"):
        library(tmp_path, train=0)


def test_the_same_ground_in_another_scene_is_no_piece_either(tmp_path: Path) -> None:
    """Two dates of one place: each has the other's ground, in scenes of other sizes."""
    rng = np.random.default_rng(0)
    labels = shards.mask(rng)
    east = [10.0, 0, 0, 0, -10.0, 0]

    def at(name: str, x: float, crs: str | None = "EPSG:32652", **more: Any) -> Sample:
        place = None if crs is None else [*east[:2], x, *east[3:]]
        return shards.sample(name, rng, labels, scene=name, crs=crs, transform=place, **more)

    rows = [at("spring", 0), at("autumn", 5), at("half", 160), at("beside", 320), at("zone", 0, "EPSG:32651")]
    samples.write(tmp_path / "t.parquet", [*rows, at("nowhere", 0, None)])
    shelf = Library(shards.dataset(), [tmp_path / "t.parquet"], CollageConfig())
    found = {shelf.ids[i] for i in shelf._free(["spring"])}
    assert found == {"beside", "zone", "nowhere"}
    assert {shelf.ids[i] for i in shelf._free(["nowhere"])} == set(shelf.ids) - {"nowhere"}

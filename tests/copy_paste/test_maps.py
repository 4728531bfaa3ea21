from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landloom.copy_paste import maps
from landloom.copy_paste.maps import Maps, filled, prices
from landloom.copy_paste.recipes import turned
from landloom.data import samples
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from tests import shards


def names(folder: Path) -> list[str]:
    return [t.id for t in Maps.of(shards.dataset(), [folder / "t.parquet"]).tiles]


def test_only_train_tiles_are_cut(tmp_path: Path) -> None:
    found = Maps.of(shards.dataset(), shards.tiles(tmp_path, train=5))
    assert [x.id for x in found.tiles] == [f"train{i}" for i in range(5)]
    picked = list(samples.pick(found.shards, [t.row for t in found.tiles]))
    assert [s.id for s in picked] == [t.id for t in found.tiles]
    assert np.array_equal(found.mask(3), picked[3].mask_array())


def test_shares_right_of_a_cut_are_those_of_the_turned_mask(tmp_path: Path) -> None:
    found = Maps.of(shards.dataset(), shards.tiles(tmp_path, train=3))
    columns = maps.cuts(shards.SIDE)
    for side in range(4):
        for tile in range(3):
            mask = turned(found.mask(tile), 2 * side)
            for cut in (0, 5, 16):
                rest = mask[:, columns[cut] :]
                expected = [(rest == k).sum() / mask.size for k in range(3)]
                assert found.after[side, tile, cut] == pytest.approx(expected, abs=1e-6)
    assert found.shares.sum(1) == pytest.approx(np.ones(3))


def test_classes_that_touch_seldom_cost_more() -> None:
    borders = np.array([[0, 90, 1], [90, 0, 10], [1, 10, 0]], np.float64)
    found = prices(borders)
    assert np.array_equal(np.diag(found), np.zeros(3))
    assert found[0, 2] > found[1, 2] > found[0, 1]
    assert np.allclose(found, found.T)
    assert (prices(np.zeros((2, 2)))[0, 1]) == pytest.approx(1)  # nothing is known


def test_gaps_take_the_nearest_class_but_are_remembered(tmp_path: Path) -> None:
    assert np.array_equal(filled(np.array([[0, IGNORE, IGNORE, 2]], np.uint8)), [[0, 0, 2, 2]])
    rng = np.random.default_rng(0)
    labels = shards.mask(rng)
    labels[:16] = IGNORE
    samples.write(tmp_path / "t.parquet", [shards.sample("a", rng, labels, scene="s")])
    found = Maps.of(shards.dataset(), [tmp_path / "t.parquet"])
    assert np.array_equal(found.gaps(0), labels == IGNORE)
    assert (found.mask(0) != IGNORE).all()


def test_tiles_with_gaps_are_left_out_unless_a_class_would_be_missing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = np.repeat(np.uint8([[0, 1]]), 32, 0).repeat(16, 1)
    torn = whole.copy()
    torn[:8] = IGNORE
    rare = torn.copy()
    rare[-1, -1] = 2
    rows = [shards.sample(n, rng, m, scene="s") for n, m in (("whole", whole), ("torn", torn))]
    samples.write(tmp_path / "t.parquet", rows)
    assert names(tmp_path) == ["whole"]
    samples.write(tmp_path / "t.parquet", [*rows, shards.sample("rare", rng, rare, scene="s")])
    assert names(tmp_path) == ["whole", "torn", "rare"]


def test_no_more_than_the_most_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST", 3)
    found = Maps.of(shards.dataset(), shards.tiles(tmp_path, train=9))
    assert [t.id for t in found.tiles] == ["train0", "train4", "train8"]


def test_no_train_tile_is_an_input_error(tmp_path: Path) -> None:
    row = shards.sample("a", np.random.default_rng(0), scene="s")
    samples.write(tmp_path / "t.parquet", [replace(row, split="val")])
    with pytest.raises(InputError, match="no train tile"):
        Maps.of(shards.dataset(), [tmp_path / "t.parquet"])


def test_encoded_masks_are_what_is_held(tmp_path: Path) -> None:
    """A tile of 512 pixels is some kilobytes in memory, not a quarter of a million."""
    found = Maps.of(shards.dataset(), shards.tiles(tmp_path, train=2))
    assert found.tiles[0].encoded == codec.encode(found.mask(0))

"""Tiles out of shards: the same ones, however many are held."""

from pathlib import Path

import numpy as np
import pytest

from landloom.data import sample_index, samples
from landloom.data.sample_index import Place
from landloom.data.tile_dataset import TileDataset, apart
from landloom.errors import InputError
from landloom.raster import codec
from tests import shards


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """Twelve tiles in three shards of several row groups, in an order of their own."""
    monkeypatch.setattr(samples, "GROUP_ROWS", 3)
    found = sample_index.located(shards.tiles(tmp_path))
    return [found[i] for i in np.random.default_rng(0).permutation(12)]


@pytest.mark.parametrize("capacity", [1, 3, 5, 12, None])
def test_tiles_are_the_same_however_many_are_held(places: list[Place], capacity: int | None) -> None:
    tiles = TileDataset(places, shards.dataset(), capacity=capacity)
    bound = capacity or 12
    whole = {s.id: s for p in {p.shard for p in places} for s in samples.read(p)}
    for batch in ([3, 1], [1, 1, 7], [11, 0, 5, 2], [3, 1]):
        for i, tile in zip(batch, tiles.__getitems__(batch), strict=True):
            assert np.array_equal(tile.image, whole[places[i].id].image_array())
            assert np.array_equal(tile.mask, whole[places[i].id].mask_array())
        assert len(tiles.held) <= bound
        tiles.prefetch([4, 6, 8])
    assert np.array_equal(tiles[4].image, whole[places[4].id].image_array())
    assert (len(tiles), len(tiles.held)) == (12, min(12, bound)) if bound < 5 else True


def test_what_was_announced_is_not_read_again(places: list[Place], monkeypatch: pytest.MonkeyPatch) -> None:
    tiles, read = TileDataset(places, shards.dataset(), capacity=6), []
    plain = TileDataset._read
    monkeypatch.setattr(TileDataset, "_read", lambda self, rows: read.extend(rows) or plain(self, rows))
    tiles.prefetch([2, 5])
    tiles.__getitems__([2, 5, 7])
    assert read == [2, 5, 7]


def test_untrusted_pixels_are_ignored(tmp_path: Path) -> None:
    trust = np.full((32, 32), 255, np.uint8)
    trust[0, :3] = 0, 127, 128
    row = shards.sample("a", np.random.default_rng(0), trust=codec.encode(trust))
    samples.write(tmp_path / "s.parquet", [row])
    places = sample_index.located([tmp_path / "s.parquet"])
    expected = row.mask_array().copy()
    expected[0, :2] = 255
    assert np.array_equal(TileDataset(places, shards.dataset(), min_trust=0.5)[0].mask, expected)
    assert np.array_equal(TileDataset(places, shards.dataset())[0].mask, row.mask_array())


def test_another_type_or_size_than_the_cards_is_an_input_error(tmp_path: Path, places: list[Place]) -> None:
    row = shards.sample("a", np.random.default_rng(0))
    row.image = codec.encode(row.image_array().astype(np.uint16))
    samples.write(tmp_path / "s.parquet", [row])
    with pytest.raises(InputError, match=r"a: .*uint16, not .* uint8"):
        TileDataset(sample_index.located([tmp_path / "s.parquet"]), shards.dataset())
    with pytest.raises(InputError, match=r"not \(3, 64, 64\)"):
        TileDataset(places, shards.dataset(64))
    streamed = TileDataset(places, shards.dataset(64), capacity=2)
    streamed.prefetch([0])
    with pytest.raises(InputError, match=r"not \(3, 64, 64\)"):
        streamed.__getitems__([0])


def test_no_tiles_are_an_input_error() -> None:
    with pytest.raises(InputError, match="no samples"):
        TileDataset([], shards.dataset())


def test_large_arrays_have_pages_of_their_own() -> None:
    values = np.arange(2**17, dtype=np.uint16).reshape(2, 2**8, 2**8)
    found = apart(values)
    assert np.array_equal(found, values)
    assert (found.dtype, found.ctypes.data % 4096) == (np.uint16, 0)
    small = values[0, :1]
    assert apart(small) is small

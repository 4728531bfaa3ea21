"""Indices of samples in shards."""

from pathlib import Path

import pandas as pd
import pytest

from landloom.data import sample_index
from landloom.errors import InputError
from tests import shards


def test_an_index_returns_what_was_written_and_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "old/tiles").mkdir(parents=True)
    (tmp_path / "old/mix").mkdir()
    places = sample_index.located(shards.tiles(tmp_path / "old/tiles"))[::-1]
    sample_index.write(tmp_path / "old/mix/0.parquet", places, {"seed": 1})
    assert pd.read_parquet(tmp_path / "old/mix/0.parquet")["shard"][0] == "../tiles/test.parquet"
    moved = (tmp_path / "old").rename(tmp_path / "new")
    given = sorted((moved / "tiles").iterdir())
    found = sample_index.read(moved / "mix/0.parquet", given)
    assert [(p.id, p.row, p.source) for p in found] == [(p.id, p.row, p.source) for p in places]
    assert found[0].shard == moved / "tiles/test.parquet"


def test_a_shard_that_was_not_given_is_an_input_error(tmp_path: Path) -> None:
    tiles = shards.tiles(tmp_path)
    sample_index.write(tmp_path / "mix.parquet", sample_index.located(tiles), {})
    with pytest.raises(InputError, match=r"names 'test\.parquet', which was not given"):
        sample_index.read(tmp_path / "mix.parquet", tiles[:2])


def test_what_is_no_index_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    with pytest.raises(InputError, match="not a readable index"):
        sample_index.read(tmp_path / "a", [])

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from landloom.data import samples, stored_tables
from landloom.errors import InputError
from tests import shards


def test_columns_and_rows(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}).to_parquet(tmp_path / "t.parquet")
    assert stored_tables.rows(tmp_path / "t.parquet", ["b"]) == [{"b": "x"}, {"b": None}]
    with pytest.raises(InputError, match=r"t\.parquet: cannot be read as a table"):
        stored_tables.read(tmp_path / "t.parquet", ["c"])


def test_a_damaged_table(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(InputError, match=r"t\.parquet: cannot be read as a table"):
        stored_tables.read(tmp_path / "t.parquet")


def test_few_bytes_with_many_rows(tmp_path: Path) -> None:
    rows = stored_tables.ROWS + 1
    with pq.ParquetWriter(tmp_path / "t.parquet", pa.schema([("id", pa.bool_())])) as writer:
        writer.write_table(pa.table({"id": pa.nulls(rows, pa.bool_())}))
    assert (tmp_path / "t.parquet").stat().st_size < 10**5
    for read in (stored_tables.read, lambda p: list(samples.read(p))):
        with pytest.raises(InputError, match=r"t\.parquet: claims 10,000,001 rows, and"):
            read(tmp_path / "t.parquet")


def test_few_bytes_with_giant_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, schema = tmp_path / "t.parquet", pa.schema([("id", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        writer.write_table(pa.table({"id": ["a" * 40_000_000] * 3}))
    assert path.stat().st_size < 10**5
    assert len(stored_tables.rows(path)) == 3
    monkeypatch.setattr(stored_tables, "GROUP", 10**8)  # in place of 2 GiB
    with pytest.raises(InputError, match=r"t\.parquet: claims 3 rows, and 0\.1 GiB in one group of them"):
        stored_tables.read(path)


def test_shards_that_are_cut_off_or_of_damaged_pixels(tmp_path: Path) -> None:
    path = shards.tiles(tmp_path)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(InputError, match=r"train\.parquet: not a readable Parquet file"):
        list(samples.read(path))
    at = whole.index(b"\x89PNG") + 60
    path.write_bytes(whole[:at] + bytes(20) + whole[at + 20 :])
    (first, *_) = samples.read(path)
    with pytest.raises(InputError, match=r"sample train0, \w+: is damaged \(.*\)\. Delete the shard"):
        first.image_array(), first.mask_array()

"""An index of samples: which rows of which shards make a training set. It holds no pixels."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from landloom.data import samples
from landloom.data.stored_tables import require_bounded
from landloom.errors import InputError
from landloom.runtime.reading import reading

SCHEMA = pa.schema(
    [("id", pa.string()), ("shard", pa.string()), ("row", pa.int64()), ("source", pa.string())]
)


@dataclass(frozen=True)
class Place:
    """Where a sample lies.

    Attributes:
        id: of the sample.
        shard: its file.
        row: its row in the file, from 0.
        source: 'real' or the generator's name.
    """

    id: str
    shard: Path
    row: int
    source: str


def located(paths: Sequence[Path]) -> list[Place]:
    """Places of all samples of shards, in order; no pixels are read."""
    found = []
    for path in paths:
        table = samples.columns([path], ["id", "source"])
        rows = enumerate(zip(table["id"], table["source"], strict=True))
        found += [Place(name, path, row, source) for row, (name, source) in rows]
    return found


def write(path: Path, places: Sequence[Place], metadata: dict[str, Any]) -> None:
    """Write an index; shards are named relative to the folder of the index, so that results can be moved."""
    text = {b"landloom": json.dumps(metadata, sort_keys=True).encode()}
    columns = {
        "id": [p.id for p in places],
        "shard": [Path(os.path.relpath(p.shard, path.parent)).as_posix() for p in places],
        "row": [p.row for p in places],
        "source": [p.source for p in places],
    }
    pq.write_table(pa.table(columns, schema=SCHEMA.with_metadata(text)), path, compression="zstd")


def read(path: Path, shards: Sequence[Path]) -> list[Place]:
    """Places of an index, in order.

    Raises:
        InputError: the file is no index, or names a shard that is not among ``shards``: the samples of a
            job must lie in its declared inputs, or its record would be false.
    """
    with reading(path, "not a readable index", "Delete it and run mix again"):
        with pq.ParquetFile(path) as file:
            require_bounded(file, path)
        rows = pq.read_table(path, schema=SCHEMA).to_pylist()
    known = {_whole(s): s for s in shards}
    found = {name: _whole(path.parent / name) for name in {r["shard"] for r in rows}}
    if missing := sorted(name for name, place in found.items() if place not in known):
        raise InputError(path, f"names '{missing[0]}', which was not given", "Give it, or run mix again")
    return [Place(r["id"], known[found[r["shard"]]], r["row"], r["source"]) for r in rows]


def _whole(path: Path) -> str:
    """An absolute path without '..'; links are not followed, for results may hold some."""
    return os.path.normpath(path.absolute())


def counts(places: Sequence[Place]) -> dict[str, int]:
    """Numbers of real and synthetic samples in a training set."""
    real = sum(p.source == "real" for p in places)
    return {"n_train": len(places), "n_real": real, "n_synthetic": len(places) - real}


def described(places: Sequence[Place], generator: str) -> str:
    """What a network was trained on, for its card."""
    found = counts(places)
    return f"{found['n_real']} real tiles and {found['n_synthetic']} samples of the generator `{generator}`"

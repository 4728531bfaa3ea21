"""Parquet tables that stages leave for each other, other than shards of samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from landloom.runtime.reading import reading

FOUND, REMEDY = "cannot be read as a table", "Delete it and run again what makes it"


def read(path: Path, columns: Sequence[str] | None = None, **more: Any) -> pa.Table:
    """A table, or some of its columns; ``more`` is that of ``pyarrow.parquet.read_table``.

    Raises:
        InputError: the file is damaged, or lacks a column.
    """
    with reading(path, FOUND, REMEDY):
        found = pq.read_table(path, columns=None if columns is None else list(columns), **more)
        return found if columns is None else found.select(list(columns))


def rows(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Its rows.

    Raises:
        InputError: as ``read``.
    """
    table = read(path, columns)
    with reading(path, FOUND, REMEDY):  # texts are decoded here
        found: list[dict[str, Any]] = table.to_pylist()
        return found

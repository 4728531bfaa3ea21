"""Parquet tables that stages leave for each other, other than shards of samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from landloom.errors import InputError
from landloom.runtime.reading import reading

ROWS = 10**7
"""Most rows of a table."""
GROUP = 2**31
"""Most bytes of a group of rows when it is unpacked."""
FOUND, REMEDY = "cannot be read as a table", "Delete it and run again what makes it"


def read(path: Path, columns: Sequence[str] | None = None, **more: Any) -> pa.Table:
    """A table, or some of its columns; ``more`` is that of ``pyarrow.parquet.read_table``.

    Raises:
        InputError: the file is damaged, or lacks a column.
    """
    with reading(path, FOUND, REMEDY):
        with pq.ParquetFile(path) as file:
            require_bounded(file, path)
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


def require_bounded(file: pq.ParquetFile, path: Path) -> None:
    """Make sure, by its footer, that a file is no larger than memory allows: a few bytes may claim any size.

    Raises:
        InputError: it is.
    """
    about = file.metadata
    largest = max((about.row_group(i).total_byte_size for i in range(about.num_row_groups)), default=0)
    if about.num_rows > ROWS or largest > GROUP:
        found = f"claims {about.num_rows:,} rows, and {largest / 2**30:.1f} GiB in one group of them"
        raise InputError(path, found, f"{ROWS:,} rows and {GROUP >> 30} GiB in a group are the most")

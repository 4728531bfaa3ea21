"""A tensor that lies in several files, one after the other: read whole, or by rows."""

import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from landloom.data import held_tiles
from landloom.data.held_rows import HeldRows
from landloom.data.tensor_file import Kind, Stored, joined_kind, read_into, write
from landloom.data.tensor_rows import Rows, Streamed

OPEN_FILES = 64
"""Files that are open at once: a process may have few hundred files open."""


@dataclass(frozen=True)
class Part:
    """A tensor in a file, and what is added to its values."""

    stored: Stored
    offset: int = 0

    def into(self, target: Tensor, file: IO[bytes], start: int = 0) -> None:
        """Fill a contiguous tensor with its values from ``start`` (bytes) on."""
        read_into(target, file, self.stored.start + start)
        if self.offset:
            target += self.offset


class Table:
    """Parts of one type, one after the other.

    Args:
        parts: the parts.
        leading: dimensions by which rows are asked for, one or two.
    """

    def __init__(self, parts: Sequence[Part], leading: int = 1) -> None:
        self.parts, self.leading = parts, leading
        self.kind = joined_kind([p.stored.kind for p in parts])

    def rows(self, capacity: int) -> Rows:
        """A tensor, if it may take so many bytes; else rows of which so many bytes are held."""
        if self.kind.bytes <= capacity:
            return self.whole()
        held = FileRows(self.parts, self.leading, capacity)
        return Streamed(held, self.kind.shape, self.kind.dtype)

    def whole(self) -> Tensor:
        """All values; only they are in memory."""
        found, start = torch.empty(self.kind.shape, dtype=self.kind.dtype), 0
        for part in self.parts:
            end = start + part.stored.kind.shape[0]
            with opened(part.stored.file) as file:
                part.into(found[start:end], file)
            start = end
        return found


class FileRows(HeldRows[Tensor]):
    """Rows of parts, all leading dimensions in one.

    Args:
        parts: the parts.
        leading: dimensions of which a row has none.
        capacity: bytes of rows held at most; one row is held in any case.
    """

    def __init__(self, parts: Sequence[Part], leading: int, capacity: int) -> None:
        kinds = [p.stored.kind for p in parts]
        counts = [prod(k.shape[:leading]) for k in kinds]
        self.parts, self.row = parts, Kind(kinds[0].dtype, kinds[0].shape[leading:])
        self.starts = [0, *accumulate(counts)]
        super().__init__(self.starts[-1], max(1, capacity // self.row.bytes))
        self.opened = lru_cache(OPEN_FILES)(opened)

    def _read(self, indices: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
        for i in sorted(set(indices)):  # in the order of the files
            place = bisect_right(self.starts, i) - 1
            part, row = self.parts[place], torch.empty(self.row.shape, dtype=self.row.dtype)
            part.into(row, self.opened(part.stored.file), (i - self.starts[place]) * self.row.bytes)
            yield i, row


def opened(file: Path | IO[bytes]) -> IO[bytes]:
    """A file, opened if it is not; who has it last closes it."""
    return file.open("rb", buffering=0) if isinstance(file, Path) else file


def spilled(batches: Iterable[Tensor], kind: Kind, folder: Path, leading: int = 1) -> Rows:
    """Rows that come in batches (B, ...): joined in memory if ``HELD_BYTES`` has room, else in a file.

    The file has no name, so it is gone with the process, however that ends.
    """
    if kind.bytes <= held_tiles.HELD_BYTES:
        found, start = torch.empty(kind.shape, dtype=kind.dtype), 0
        for rows in batches:
            found[start : start + len(rows)] = rows
            start += len(rows)
        return found
    folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
    for rows in batches:
        write(file, rows.to(kind.dtype))
    file.flush()
    held = FileRows([Part(Stored(file, 0, kind))], leading, held_tiles.HELD_BYTES)
    return Streamed(held, kind.shape, kind.dtype)

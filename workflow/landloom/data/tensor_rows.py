"""What looks like a tensor to a training that asks for some rows of it, whether they are in memory or not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from landloom.data.held_rows import HeldRows


class Rows(Protocol):
    """N rows (N, ...); a tensor is one, too. Others may have a method ``prefetch``, see ``announce``."""

    @property
    def shape(self) -> Sequence[int]:
        """As that of a tensor."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any) -> Tensor:
        """Rows at indices (B,), or at two tensors of indices for the first two dimensions."""
        ...


def announce(rows: Rows, key: Tensor | tuple[Tensor, Tensor]) -> None:
    """Let what is asked for next be read in a thread; nothing for a tensor."""
    prefetch = getattr(rows, "prefetch", None)
    if prefetch is not None:
        prefetch(key)


class Streamed:
    """Rows of which some are held.

    Args:
        held: the rows, all leading dimensions in one.
        shape: of the whole, with one or two leading dimensions.
        dtype: of the values.
    """

    def __init__(self, held: HeldRows[Tensor], shape: Sequence[int], dtype: torch.dtype) -> None:
        self.held, self.shape, self.dtype = held, tuple(shape), dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: int | Tensor | tuple[Tensor, Tensor]) -> Tensor:
        if isinstance(key, int):
            return self.held[key]
        found = self.held.__getitems__(self._flat(key))
        leading = 2 if isinstance(key, tuple) else 1
        return torch.stack(found) if found else torch.empty(0, *self.shape[leading:], dtype=self.dtype)

    def prefetch(self, key: Tensor | tuple[Tensor, Tensor]) -> None:
        """Begin to read rows."""
        self.held.prefetch(self._flat(key))

    def _flat(self, key: Tensor | tuple[Tensor, Tensor]) -> list[int]:
        if isinstance(key, tuple):
            key = key[0] * self.shape[1] + key[1]
        return [int(i) for i in key]


class Chosen:
    """Some rows of others.

    Args:
        rows: the others.
        index: which of them (M,); one may stand there several times.
    """

    def __init__(self, rows: Rows, index: Tensor) -> None:
        self.rows, self.index = rows, index

    @property
    def shape(self) -> Sequence[int]:
        """(M, ...)."""
        return (len(self.index), *self.rows.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, key: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        return self.rows[self._there(key)]

    def prefetch(self, key: Tensor | tuple[Tensor, Tensor]) -> None:
        """Begin to read rows."""
        announce(self.rows, self._there(key))

    def _there(self, key: Tensor | tuple[Tensor, Tensor]) -> Tensor | tuple[Tensor, Tensor]:
        return (self.index[key[0]], key[1]) if isinstance(key, tuple) else self.index[key]


class Gathered(Mapping[str, Tensor]):
    """The same rows (B,) of several columns; a column is read when it is first asked for."""

    def __init__(self, columns: Mapping[str, Rows], rows: Tensor) -> None:
        self.columns, self.rows = columns, rows
        self.found: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.found:
            self.found[name] = self.columns[name][self.rows]
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

"""Rows that note which of them are announced and which are asked for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

Key = Tensor | tuple[Tensor, Tensor]


class Announced:
    """A tensor in all but the notes."""

    def __init__(self, values: Tensor) -> None:
        self.values = values
        self.announced: list[Any] = []
        self.read: list[Any] = []

    @property
    def shape(self) -> Sequence[int]:
        return self.values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, key: int | Key) -> Tensor:
        if not isinstance(key, int):
            self.read.append(listed(key))
        return self.values[key]

    def prefetch(self, key: Key) -> None:
        self.announced.append(listed(key))


def listed(key: Key) -> Any:
    return [part.tolist() for part in key] if isinstance(key, tuple) else key.tolist()


def foretold(objective: Any, module: nn.Module, rows: Sequence[Announced], index: Tensor) -> bool:
    """Whether all of these rows, and no others, that a second step reads were announced to it."""
    objective.loss(module, index)
    for own in rows:
        own.announced, own.read = [], []
    objective.prefetch(index.flip(0), torch.Generator().manual_seed(7))
    for own in rows:
        own.read = []  # rows of texts are looked up
    torch.manual_seed(7)
    objective.loss(module, index.flip(0))
    return all(own.read and own.read == own.announced for own in rows)

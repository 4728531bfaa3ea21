"""Masks that stay in their shards: each is decoded when it comes up, as often as they are gone through."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landloom.data import samples


@dataclass(frozen=True)
class StoredMasks(Collection[NDArray[np.uint8]]):
    """Masks (H, W) in some rows of shards, counted over all of them, in ascending order."""

    paths: Sequence[Path]
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (s.mask_array() for s in samples.pick(self.paths, self.rows))

    def __contains__(self, mask: object) -> bool:
        return any(np.array_equal(m, mask) for m in self)  # type: ignore[arg-type]

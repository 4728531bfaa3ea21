"""Features of real train tiles on disk, written by ``features`` and read by ``curate``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from landloom.errors import InputError
from landloom.runtime import phases
from landloom.runtime.reading import reading


@dataclass
class Known:
    """Features (N, D) of N tiles, and their names."""

    features: Tensor
    ids: list[str]

    @phases.during("write")
    def save(self, path: Path) -> None:
        """Write as safetensors."""
        save_file({"features": self.features.contiguous()}, path, metadata={"ids": json.dumps(self.ids)})

    def of(self, ids: Sequence[str], where: Path) -> Tensor:
        """Features of some tiles, in their order.

        Raises:
            InputError: a tile is not among them; ``where`` is the folder to name.
        """
        row = {name: i for i, name in enumerate(self.ids)}
        if missing := [i for i in ids if i not in row]:
            raise InputError(
                where, f"no features of {len(missing)} tiles such as {missing[0]}", "Run features again"
            )
        return self.features[[row[i] for i in ids]]


@phases.during("load")
def load(paths: Sequence[Path]) -> Known:
    """Read and join the features of several shards; shards without train tiles add nothing."""
    parts = [p for p in map(_read, paths) if p.ids]
    if not parts:
        return Known(torch.empty(0, 1), [])
    return Known(torch.cat([p.features for p in parts]), [i for p in parts for i in p.ids])


def _read(path: Path) -> Known:
    with reading(path, "holds no features", "Run features again"), safe_open(path, framework="pt") as file:
        found = Known(file.get_tensor("features"), [str(i) for i in json.loads(file.metadata()["ids"])])
        if len(found.features) != len(found.ids):
            raise ValueError(f"{len(found.features)} rows for {len(found.ids)} tiles")
        return found

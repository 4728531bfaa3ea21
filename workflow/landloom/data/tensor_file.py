"""Tensors in safetensors files, written and read a few rows at a time: a file may be larger than memory.

Rows are read by ``pread`` and not through a mapping: mapped pages count as memory of the process.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from landloom.errors import InputError
from landloom.runtime import phases
from landloom.runtime.reading import reading

TYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32,
    "I64": torch.int64, "F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32,
    "F64": torch.float64,
}  # fmt: skip
NAMES = {kind: name for name, kind in TYPES.items()}


@dataclass(frozen=True)
class Kind:
    """Type and shape of a tensor."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Of all values."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes:
        file: the file; one without a name may be given open.
        start: its first byte.
        kind: its type and shape.
    """

    file: Path | IO[bytes]
    start: int
    kind: Kind


@phases.during("load")
def look(path: Path) -> tuple[dict[str, Stored], dict[str, str]]:
    """Tensors of a safetensors file, by name, and its metadata; no values are read.

    Raises:
        InputError: it is no such file.
    """
    with reading(path, "not a readable safetensors file", "Run encode again"):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, 10**8)))
        metadata = {str(k): str(v) for k, v in header.pop("__metadata__", {}).items()}
        room = path.stat().st_size - 8 - length
        return {name: _stored(path, 8 + length, room, about) for name, about in header.items()}, metadata


def _stored(path: Path, first: int, room: int, about: Mapping[str, Any]) -> Stored:
    """A tensor by its entry in the header; it must lie in the ``room`` behind that, and have its size."""
    start, end = (int(x) for x in about["data_offsets"])
    kind = Kind(TYPES[about["dtype"]], tuple(int(x) for x in about["shape"]))
    if not 0 <= start <= end <= room or min(kind.shape, default=0) < 0 or kind.bytes != end - start:
        raise ValueError("a tensor is said to lie where none can be")
    return Stored(path, first + start, kind)


@phases.during("load")
def read_into(target: Tensor, file: IO[bytes], start: int) -> None:
    """Fill a contiguous tensor with the bytes of an open file from ``start``.

    Raises:
        InputError: the file ends before.
    """
    buffer = _bytes(target)
    while buffer:
        count = os.preadv(file.fileno(), [buffer], start)
        if not count:
            raise InputError(file.name, "the file ends too early", "Run encode again")
        buffer, start = buffer[count:], start + count


class Writer:
    """Writes a safetensors file of known shapes, some rows at a time, as safetensors itself would.

    Args:
        path: the file.
        kinds: type and shape of each tensor.
        metadata: texts beside them.
    """

    def __init__(self, path: Path, kinds: Mapping[str, Kind], metadata: Mapping[str, str]) -> None:
        self.kinds, self.filled, end = kinds, Counter[str](), 0
        header: dict[str, object] = {"__metadata__": dict(metadata)}
        self.starts = dict[str, int]()
        for name in sorted(kinds, key=lambda n: (-kinds[n].dtype.itemsize, n)):
            kind, self.starts[name] = kinds[name], end
            end += kind.bytes
            offsets = [self.starts[name], end]
            header[name] = {
                "dtype": NAMES[kind.dtype], "shape": list(kind.shape), "data_offsets": offsets
            }  # fmt: skip
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        self.first = 8 + len(text)
        self.file = path.open("wb")
        self.file.write(len(text).to_bytes(8, "little") + text)
        self.file.truncate(self.first + end)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.file.close()
        if kind is None and (short := {n for n, k in self.kinds.items() if self.filled[n] < k.bytes}):
            raise ValueError(f"rows are missing: {', '.join(sorted(short))}")

    def add(self, name: str, rows: Tensor) -> None:
        """Write the next rows (B, ...) of a tensor."""
        kind = self.kinds[name]
        if rows.dtype != kind.dtype or rows.shape[1:] != kind.shape[1:]:
            raise ValueError(f"'{name}' is {kind}, not {rows.dtype} {tuple(rows.shape)}")
        self.file.seek(self.first + self.starts[name] + self.filled[name])
        self.filled[name] += write(self.file, rows)
        if self.filled[name] > kind.bytes:
            raise ValueError(f"'{name}' has more rows than {kind.shape[0]}")


@phases.during("write")
def write(file: IO[bytes], rows: Tensor) -> int:
    """Write the values of a tensor where a file stands; returns their bytes."""
    return file.write(_bytes(rows.contiguous()))


def _bytes(values: Tensor) -> memoryview:
    """The memory of a contiguous tensor; numpy knows no bfloat16."""
    found: Any = values.flatten().view(torch.uint8).numpy() if values.numel() else b""
    return memoryview(found)


def joined_kind(parts: Sequence[Kind]) -> Kind:
    """Of tensors one after the other."""
    return Kind(parts[0].dtype, (sum(p.shape[0] for p in parts), *parts[0].shape[1:]))

"""What is exported: the accepted samples of one generator, and what is known about them all."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from landloom.data import quality, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster.labels import IGNORE

SYNTHETIC = "synthetic: not an observation"
"""Said in every format: nobody may take these pixels for a measurement."""
PIECES = "synthetic: pieces of real tiles, whose licence holds, and not an observation of any place"
"""The same, of images that are collages, start from them, or keep a part of a real tile."""


@dataclass(frozen=True)
class Collection:
    """One export.

    Attributes:
        name: name of the dataset that the generator learned from.
        generator: name of the generator.
        statistics: the dataset statistics.
        license: licence of the export, an SPDX id or 'other'.
        root: folder of the export.
        min_trust: trust below which training ignored pixels, from 0 to 1; 0 is none.
        pieces: whether images are, or start from, pieces of real tiles.

    """

    name: str
    generator: str
    statistics: Statistics
    license: str
    root: Path
    min_trust: float = 0.0
    pieces: bool = False

    @property
    def statement(self) -> str:
        """What the images are, in one line."""
        return PIECES if self.pieces else SYNTHETIC

    @property
    def classes(self) -> list[dict[str, Any]]:
        """Id (the mask value), name and colour of each class."""
        return [{"id": i, "name": c.name, "color": c.color} for i, c in enumerate(self.statistics.classes)]

    def folder(self, name: str) -> Path:
        """Make a folder inside the export and return it."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path


class Writer(Protocol):
    """A format: takes samples one at a time, so that memory does not grow with images."""

    def add(self, sample: Sample) -> None:
        """Write one sample."""

    def close(self) -> None:
        """Write what belongs to all samples together."""


def generator_of(shards: Sequence[Path]) -> str:
    """Name of the one generator that made the shards.

    Raises:
        InputError: no shards, a shard without a generator, or shards of several generators.

    """
    if not shards:
        raise InputError("--curated", "no shard was given", "Give the curated shards of one generator.")
    names = {str(samples.metadata(p).get("generator", "")) for p in shards}
    if len(names) != 1 or "" in names:
        found = ", ".join(sorted(n or "(none)" for n in names))
        raise InputError(shards[0], f"generators found: {found}", "Give the curated shards of one generator.")
    return names.pop()


def accepted(shards: Sequence[Path]) -> Iterator[Sample]:
    """Yield the accepted samples of curated shards, in order."""
    return (s for s in samples.read(shards) if quality.accepted(s.quality))


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON. NaN is refused: other tools cannot read it."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def legend(classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """List the classes and, last, the mask value of pixels without a class."""
    return [*classes, {"id": IGNORE, "name": "ignored", "color": "#000000"}]

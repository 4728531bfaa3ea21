"""The split of a folder's scenes, as the config writes it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landloom.config.data import DataConfig, Split
from landloom.config.tile import TileConfig
from landloom.errors import InputError
from landloom.raster.windows import areas, tiles
from landloom.starting import blocks, grouping, sizes, sources
from landloom.starting.sources import Sources, quoted
from landloom.starting.survey import Findings

PATTERNS = 24
"""Most name patterns of a split in the config; more go into a table."""

SCENES, LARGE = 8, 4
"""Fewer scenes, each of as many tiles along a side, are divided inside: whole ones would leave too little."""


@dataclass(frozen=True)
class Chosen:
    """A split.

    Attributes:
        line: of the config.
        source: how the config names its files, which may now be a table with splits.
        windows: tiles of each split.
        said: how it was made.
    """

    line: str
    source: Sources
    windows: Counter[str]
    said: str


def choose(found: Findings, cut: sizes.Tiles, table: Path) -> Chosen:
    """Hold out neighbours together, or blocks where there are few scenes.

    Raises:
        InputError: there is too little for three splits.
    """
    short = min(min(h.height, h.width) for h in found.images)
    few_and_large = len(found.items) < SCENES and short >= LARGE * cut.size
    division = None if few_and_large else grouping.divide(found.items)
    if division is not None:
        held = dict.fromkeys((i.name for i in division.val), "val")
        held |= dict.fromkeys((i.name for i in division.test), "test")
        labels = {i.name: held.get(i.name, "train") for i in found.items}
        counted = windows(found, labels, Split(), cut)
        if all(counted[s] for s in ("train", "val", "test")):
            line, source = _scenes(found, labels, table)
            return Chosen(line, source, counted, f"split by scene, {division.said}; {_shares(labels)}")
    return _blocks(found, cut)


def _scenes(found: Findings, labels: dict[str, str], table: Path) -> tuple[str, Sources]:
    """A split by name patterns, or in a table where that would be long."""
    sides = [
        grouping.patterns([n for n, s in labels.items() if s == side], list(labels))
        for side in ("val", "test")
    ]
    if max(map(len, sides)) <= PATTERNS or found.source.images:
        val, test = (", ".join(map(quoted, s)) for s in sides)
        return f"split: {{by: scene, val: [{val}], test: [{test}]}}", found.source
    files = [(found.pairs.root / i, found.pairs.root / m) for i, m in found.pairs.files]
    return "split: {by: manifest}", sources.tabled(files, found.source.names, table, labels)


def _shares(labels: dict[str, str]) -> str:
    counts = Counter(labels.values())
    return ", ".join(f"{counts[s]} scenes for {s}" for s in ("train", "val", "test"))


def _blocks(found: Findings, cut: sizes.Tiles) -> Chosen:
    sides = [(h.height, h.width) for h in found.images]
    split = Split(by="block", block=sizes.block(sides, cut.size))
    seed = blocks.seed(described(found, split), cut.size)
    split = split.model_copy(update={"seed": seed})
    labels = {i.name: "block" for i in found.items}
    counted = windows(found, labels, split, cut)
    if not all(counted[s] for s in ("train", "val", "test")):
        what = f"{len(found.items)} scenes are too small or too few for train, val and test"
        remedy = f"Give three scenes or more, or larger ones: a tile has {cut.size} pixels"
        raise InputError(found.pairs.root, what, remedy)
    line = f"split: {{by: block, block: {split.block}, val: {split.val}, test: {split.test}, seed: {seed}}}"
    said = f"split by blocks of {split.block} pixels inside scenes: there are few, or classes are in few"
    return Chosen(line, found.source, counted, said)


def described(found: Findings, split: Split) -> DataConfig:
    """The section ``data``, with all scenes written out."""
    legend = found.legend
    scenes: list[dict[str, Any]] = [
        {"name": n, "images": [str(found.pairs.root / i)], "mask": str(found.pairs.root / m)}
        for n, (i, m) in zip(found.source.names, found.pairs.files, strict=True)
    ]
    files = {"images": found.source.images} if found.source.images else {"scenes": scenes}
    return DataConfig.model_validate(
        found.labels
        | files
        | {
            "classes": [c for c, _ in legend.classes()], "ignore": legend.ignore, "bands": found.bands,
            "tolerance": legend.tolerance, "split": split.model_dump(),
        }
    )  # fmt: skip


def windows(found: Findings, labels: dict[str, str], split: Split, cut: sizes.Tiles) -> Counter[str]:
    """Number of tiles of each split, if all windows become tiles."""
    config = TileConfig(size=cut.size, stride=cut.stride, pad=cut.pad)
    counted: Counter[str] = Counter()
    for item, header in zip(found.items, found.images, strict=True):
        places = areas(item.name, header.height, header.width, labels[item.name], split, cut.size)
        counted.update(label for label, _ in tiles(places, config))
    return counted

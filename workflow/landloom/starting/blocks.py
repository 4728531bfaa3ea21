"""The seed of a split by blocks that leaves every class in every split, as far as that can be."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landloom.config.data import DataConfig, Split
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window, areas
from landloom.scenes.discovery import SceneFiles, discover
from landloom.scenes.splits import SPLITS

SEEDS = 200
LARGEST = 400_000_000
"""Pixels beyond which classes are not looked for."""


def seed(data: DataConfig, size: int) -> int:
    """The first of some seeds with the fewest classes missing, those of train first."""
    parts = [_parts(s, data, size) for s in discover(data)]
    if not parts or sum(a.height * a.width for _, p in parts for a, _ in p) > LARGEST:
        return 0
    return min(range(SEEDS), key=lambda s: _lacking(parts, data.split.model_copy(update={"seed": s}), size))


Parts = tuple[str, list[tuple[Window, NDArray[np.bool_]]]]


def _parts(scene: SceneFiles, data: DataConfig, size: int) -> Parts:
    """Blocks of a scene, and which classes (K,) each holds."""
    found = []
    with SceneReader(scene, data) as reader:
        for _, area in areas(scene.name, reader.height, reader.width, "block", data.split, size):
            _, _, mask = reader.read(area)
            counts = np.bincount(mask.ravel(), minlength=256)
            found.append((area, counts[: len(data.classes)] > 0))
    return scene.name, found


def _lacking(parts: Sequence[Parts], split: Split, size: int) -> tuple[int, int]:
    """How many classes train lacks, and how many val and test lack."""
    there = {s: np.zeros(len(parts[0][1][0][1]), np.bool_) for s in SPLITS}
    for name, blocks in parts:
        height = max(a.row + a.height for a, _ in blocks)
        width = max(a.col + a.width for a, _ in blocks)
        labels = dict((a, s) for s, a in areas(name, height, width, "block", split, size))
        for area, held in blocks:
            there[labels[area]] |= held
    lack = {s: int((~there[s]).sum()) for s in SPLITS}
    return lack["train"], lack["val"] + lack["test"]

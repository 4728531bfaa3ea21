"""How large tiles are, how long is trained, and how many pairs are made: what a machine can do."""

from collections.abc import Sequence
from dataclasses import dataclass

from landloom.raster.windows import starts

CPU, GPU = (128, 64, 32), (256, 128, 64, 32)
"""Sides of tiles, the best first."""
ENOUGH = 120
"""Tiles of train, side by side, below which smaller ones are better."""
MANY = 400
"""Train tiles below which they overlap."""
PAIRS = {False: 1600, True: 20_000}
"""Most pairs that are planned without and with a GPU."""
SPARE = 1.25
"""Planned pairs for each that a mix takes: curation rejects some."""
LARGEST = 0.4
"""Largest share of synthetic pairs, as in Xu et al. 2025."""


@dataclass(frozen=True)
class Tiles:
    """How scenes are cut.

    Attributes:
        size: side of a tile in pixels.
        stride: step between train tiles.
        pad: scenes are smaller than a tile.
    """

    size: int
    stride: int
    pad: bool


def tiles(sides: Sequence[tuple[int, int]], gpu: bool) -> Tiles:
    """Tiles for scenes of some heights and widths, of which two thirds will be train."""
    short = sorted(min(s) for s in sides)[len(sides) // 10]  # a few small scenes may be left out
    fitting = [s for s in (GPU if gpu else CPU) if s <= short] or [32]
    size = next((s for s in fitting if _count(sides, s, s) * 2 / 3 >= ENOUGH), fitting[-1])
    stride = next(
        (k for k in (size, size // 2, size // 4) if _count(sides, size, k) * 2 / 3 >= MANY), size // 4
    )
    return Tiles(size, stride, short < size)


def _count(sides: Sequence[tuple[int, int]], size: int, stride: int) -> int:
    return sum(len(starts(h, size, stride, True)) * len(starts(w, size, stride, True)) for h, w in sides)


def block(sides: Sequence[tuple[int, int]], size: int) -> int:
    """Side of split blocks, so that there are two dozen or more of them if tiles are small enough."""
    return next((k * size for k in (8, 4, 2) if _count(sides, k * size, k * size) >= 24), size)


def mix(train: int, gpu: bool) -> tuple[float, int]:
    """Share of synthetic pairs of the largest mix, and how many are planned, for a number of train tiles."""
    ratio = min(LARGEST, PAIRS[gpu] / SPARE / max(1, train))
    ratio = max(0.01, int(ratio * 100) / 100)
    return ratio, max(32, round(SPARE * ratio * train + 0.5))

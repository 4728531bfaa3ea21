"""How scenes look: the mean and the spread of their bands, which a pair may take from another scene.

Light, haze, season and sensor shift and stretch the bands of a whole scene. A pair that takes on the look of
another scene shows the same ground under other circumstances (colour transfer, Reinhard et al. 2001). The
looks of scenes without labels count, too: that is what imagery without labels can teach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landloom.copy_paste.assembly import Image
from landloom.data import samples
from landloom.data.batches import spread
from landloom.data.statistics import Statistics
from landloom.scenes.splits import LEARNED

TILES = 32
"""Tiles of a scene, evenly spread, by which its look is measured."""
LEAST = 1e-3
"""Spread below which a band is flat and is only shifted."""


@dataclass(frozen=True)
class Look:
    """Mean and standard deviation of each band (C,) of a scene, in units of [-1, 1]."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, images: Sequence[Image]) -> "Look":
        """Of some images (C, H, W)."""
        pixels = np.stack([i.reshape(len(i), -1) for i in images]).astype(np.float64)
        return cls(pixels.mean((0, 2)), pixels.std((0, 2)))

    def given(self, image: Image, other: "Look") -> Image:
        """An image (C, H, W) of a scene that looks so, as it would be in another."""
        factor = np.where(self.deviation > LEAST, other.deviation / np.maximum(self.deviation, LEAST), 1)
        moved = (image - self.mean[:, None, None]) * factor[:, None, None] + other.mean[:, None, None]
        return np.clip(moved, -1, 1).astype(np.float32)


def looks(dataset: Statistics, tiles: Sequence[Path]) -> dict[str, Look]:
    """The look of each scene that may be learned from, labelled or not, by its name."""
    table = samples.columns(tiles, ["scene", "split"])
    rows: dict[str, list[int]] = {}
    for i, (scene, split) in enumerate(zip(table["scene"], table["split"], strict=True)):
        if split in LEARNED:
            rows.setdefault(scene, []).append(i)
    return {scene: Look.of(images(dataset, tiles, found)) for scene, found in rows.items()}


def images(dataset: Statistics, tiles: Sequence[Path], rows: Sequence[int]) -> list[Image]:
    """Some images of a scene, in units of [-1, 1]."""
    return [dataset.scale(s.image_array()) for s in samples.pick(tiles, spread(rows, TILES))]

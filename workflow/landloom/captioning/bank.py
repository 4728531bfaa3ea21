"""Captions of real train tiles, looked up by class shares: words for images that do not exist yet."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landloom.data import stored_tables
from landloom.errors import InputError

NEAREST = 4
"""Train tiles nearest to a class mix, from whose captions one is drawn."""


class CaptionBank:
    """The captions of the train tiles.

    Args:
        captions: tables with id and caption.
        tiles: ids of the train tiles (N,).
        ratios: their class shares (N, K).
        nearest: how many of the nearest tiles a caption is drawn from.

    Raises:
        InputError: a train tile has no caption.
    """

    def __init__(
        self,
        captions: Sequence[Path],
        tiles: Sequence[str],
        ratios: NDArray[np.float64],
        nearest: int = NEAREST,
    ) -> None:
        words = {r["id"]: r["caption"] for p in captions for r in stored_tables.rows(p, ["id", "caption"])}
        if missing := [t for t in tiles if t not in words]:
            found = f"{len(missing)} train tiles have no caption, such as '{missing[0]}'"
            raise InputError("captions", found, "Give the captions of all scenes, or run caption again")
        self.texts, self.ratios = [str(words[t]) for t in tiles], ratios
        self.nearest = min(nearest, len(self.texts))

    def draw(self, target: NDArray[np.float64], seed: int) -> str:
        """The caption of one of the tiles nearest (L1) to class shares (K,); the seed chooses.

        Tiles as near as the last of them take part too. Classes that are left free (NaN) do not count.
        """
        gap = np.nansum(np.abs(self.ratios - target), 1)
        edge = np.partition(gap, self.nearest - 1)[self.nearest - 1]
        near = np.flatnonzero(gap <= edge + 1e-6)
        return self.texts[near[np.random.default_rng(seed).integers(len(near))]]

"""Real tiles of which a part is to be painted anew: regions of lacking classes are put into their masks.

Shapes come from other tiles, as in copy and paste, but no pixel does: the image generator paints what lies
in the hole, and everything else stays the real tile.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from landloom.config.label_sample import RepaintConfig
from landloom.copy_paste.maps import Maps
from landloom.copy_paste.objects import pasted
from landloom.copy_paste.quilting import STARTS, Shares, gap
from landloom.copy_paste.recipes import Recipe
from landloom.data import kept_pixels, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.ratio_control.choice import Drawn, Request

Hole = NDArray[np.bool_]


class RepaintedMasks:
    """Edits masks of the train tiles of shards.

    Args:
        dataset: the dataset statistics.
        tiles: shards of tiles; val and test tiles are left out.
        config: how holes are cut.
    """

    def __init__(self, dataset: Statistics, tiles: Sequence[Path], config: RepaintConfig) -> None:
        self.maps, self.config, self.classes = Maps.of(dataset, tiles), config, len(dataset.classes)

    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        """One mask per request; each depends on its own target and seed alone."""
        random = (np.random.default_rng([r.seed, attempt]) for r in requests)
        edits = [edited(self.maps, r.target, g, self.config) for r, g in zip(requests, random, strict=True)]
        starts = sorted({recipe.start for recipe, _ in edits})
        found = samples.pick(self.maps.shards, [self.maps.tiles[n].row for n in starts])
        real = dict(zip(starts, found, strict=True))
        return [self._drawn(recipe, hole, real[recipe.start]) for recipe, hole in edits]

    def _drawn(self, recipe: Recipe, hole: Hole, over: Sample) -> Drawn:
        masks = {n: self.maps.mask(n) for n in recipe.tiles}
        gaps = recipe.mask({n: self.maps.gaps(n).astype(np.uint8) for n in masks}).astype(bool)
        # The start gives all pixels that stay; others give shapes alone, but are parents, too.
        parts = {over.id: float(1 - hole.mean())} | {
            self.maps.tiles[n].id: 0.0 for n in sorted(recipe.tiles - {recipe.start})
        }
        return Drawn(
            recipe.mask(masks), np.zeros((self.classes, *hole.shape), np.float32),
            gaps=gaps if gaps.any() else None, parts=parts, over=over,
            layers=kept_pixels.layers(over.image_array(), ~hole),
        )  # fmt: skip


def edited(
    maps: Maps, target: Shares, rng: np.random.Generator, config: RepaintConfig
) -> tuple[Recipe, Hole]:
    """The mask of a real tile brought nearer to shares (K,), NaN where a class is open, and its hole (H, W).

    Of some tiles drawn at random it is the nearest one that lacks something. Where none does, a square in the
    middle of the nearest is painted anew under its own mask.
    """
    drawn = rng.permutation(len(maps.tiles))[:STARTS]
    nearest = drawn[np.argsort(gap(maps.shares[drawn], target), kind="stable")]

    def fits(taken: Hole) -> bool:
        return float(grown(taken, config.margin).mean()) <= config.most

    for start in nearest:
        recipe = pasted(maps, Recipe(int(start), 0, blend=False), target, rng, fits)
        if recipe.steps:
            return recipe, grown(recipe.taken(maps.size), config.margin)
    return Recipe(int(nearest[0]), 0, blend=False), middle(maps.size, config.most / 2)


def grown(hole: Hole, margin: int) -> Hole:
    """A hole (H, W) with all pixels that are at most ``margin`` pixels away from it."""
    return np.asarray(distance_transform_edt(~hole) <= margin) if hole.any() else hole


def middle(side: int, share: float) -> Hole:
    """A square in the middle that covers about a share of a tile (side, side), one pixel at least."""
    length = max(1, int(side * np.sqrt(share)))
    start, found = (side - length) // 2, np.zeros((side, side), bool)
    found[start : start + length, start : start + length] = True
    return found

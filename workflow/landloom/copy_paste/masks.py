"""Masks that are put together from real ones, each with the image that goes with it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from landloom.copy_paste.maps import Maps
from landloom.copy_paste.objects import paste
from landloom.copy_paste.quilting import Shares, quilt
from landloom.copy_paste.recipes import Recipe
from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.raster import codec
from landloom.ratio_control.choice import Drawn, Request

Source = Literal["quilt", "paste"]
WAYS: dict[Source, Callable[[Maps, Shares, np.random.Generator], Recipe]] = {"quilt": quilt, "paste": paste}


class CutMasks:
    """Draws masks from the train tiles of shards.

    Args:
        dataset: the dataset statistics.
        tiles: shards of tiles; val and test tiles are left out.
        source: how.
    """

    def __init__(self, dataset: Statistics, tiles: Sequence[Path], source: Source) -> None:
        self.dataset, self.maps, self.way = dataset, Maps.of(dataset, tiles), WAYS[source]

    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        """One mask per request; each depends on its own target and seed alone."""
        recipes = [self.way(self.maps, r.target, np.random.default_rng([r.seed, attempt])) for r in requests]
        numbers = sorted({tile for r in recipes for tile in r.tiles})
        found = samples.pick(self.maps.tiles, [self.maps.rows[n] for n in numbers])
        images = {n: self.dataset.scale(s.image_array()) for n, s in zip(numbers, found, strict=True)}
        masks = {n: self.maps.mask(n) for n in numbers}
        gaps = {n: self.maps.gaps(n).astype(np.uint8) for n in numbers}
        made = []
        for recipe in recipes:
            mask, missing = recipe.mask(masks), recipe.mask(gaps).astype(bool)
            cost = np.zeros((len(self.dataset.classes), *mask.shape), np.float32)
            image = codec.encode(self.dataset.unscale(recipe.image(masks, images)))
            parts = {self.maps.ids[n]: share for n, share in recipe.shares(len(mask)).items()}
            made.append(Drawn(mask, cost, image=image, gaps=missing if missing.any() else None, parts=parts))
        return made

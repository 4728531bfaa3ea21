"""Masks that are put together from real ones, each with the image that goes with it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from landloom.copy_paste.assembly import Image
from landloom.copy_paste.library import Mask
from landloom.copy_paste.looks import looks
from landloom.copy_paste.maps import Maps
from landloom.copy_paste.objects import paste
from landloom.copy_paste.quilting import Shares, quilt
from landloom.copy_paste.recipes import Recipe
from landloom.data import map_layer, samples
from landloom.data.layers import Layer
from landloom.data.statistics import Statistics
from landloom.raster import codec
from landloom.raster.map_drawing import UNKNOWN
from landloom.ratio_control.choice import Drawn, Request

LOOK = 1
"""Sets the draw of looks apart from that of pieces."""
WAYS: dict[str, Callable[[Maps, Shares, np.random.Generator], Recipe]] = {"quilt": quilt, "paste": paste}


class CutMasks:
    """Draws masks from the train tiles of shards.

    Args:
        dataset: the dataset statistics.
        tiles: shards of tiles; val and test tiles are left out.
        source: how.
        others: whether each takes on the look of a scene drawn at random, labelled or not.
    """

    def __init__(self, dataset: Statistics, tiles: Sequence[Path], source: str, others: bool = False) -> None:
        self.dataset, self.maps, self.way = dataset, Maps.of(dataset, tiles), WAYS[source]
        self.looks = looks(dataset, tiles) if others else {}

    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        """One mask per request; each depends on its own target and seed alone."""
        recipes = [self.way(self.maps, r.target, np.random.default_rng([r.seed, attempt])) for r in requests]
        numbers = sorted({tile for r in recipes for tile in r.tiles})
        rows = samples.pick(self.maps.shards, [self.maps.tiles[n].row for n in numbers])
        found = dict(zip(numbers, rows, strict=True))
        images = {n: self.dataset.scale(s.image_array()) for n, s in found.items()}
        drawn = {n: map_layer.of(s) for n, s in found.items()}
        masks = {n: self.maps.mask(n) for n in numbers}
        gaps = {n: self.maps.gaps(n).astype(np.uint8) for n in numbers}
        made = []
        for recipe, request in zip(recipes, requests, strict=True):
            mask, missing = recipe.mask(masks), recipe.mask(gaps).astype(bool)
            cost = np.zeros((len(self.dataset.classes), *mask.shape), np.float32)
            shown = self.looking(recipe.image(masks, images), recipe, [request.seed, attempt, LOOK])
            image = codec.encode(self.dataset.unscale(shown))
            parts = {self.maps.tiles[n].id: share for n, share in recipe.shares(len(mask)).items()}
            made.append(
                Drawn(
                    mask,
                    cost,
                    image=image,
                    gaps=missing if missing.any() else None,
                    parts=parts,
                    layers=self.map(recipe, drawn),
                )
            )
        return made

    def map(self, recipe: Recipe, drawn: Mapping[int, Mask | None]) -> list[Layer]:
        """The map, put together from those (K, H, W) of the tiles like the mask; none if no tile has one."""
        if all(drawn[n] is None for n in recipe.tiles):
            return []
        untold = np.full((len(self.dataset.map), *[self.dataset.size] * 2), UNKNOWN, np.uint8)
        return map_layer.layers(recipe.mask({n: untold if m is None else m for n, m in drawn.items()}))

    def looking(self, image: Image, recipe: Recipe, seed: Sequence[int]) -> Image:
        """An image (C, H, W) with the look of a scene drawn at random, if looks are asked for.

        The other pieces of a quilt have taken on the colours of the first, so it looks like that one's scene.
        """
        if not self.looks:
            return image
        names = sorted(self.looks)
        other = self.looks[names[int(np.random.default_rng(list(seed)).integers(len(names)))]]
        return self.looks[self.maps.tiles[recipe.start].scene].given(image, other)

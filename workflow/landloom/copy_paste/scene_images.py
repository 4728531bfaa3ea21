"""The image of a quilted scene: the images of its patches, in one light."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landloom.copy_paste.assembly import ENOUGH, Image
from landloom.copy_paste.maps import Maps
from landloom.copy_paste.patches import Patch
from landloom.copy_paste.recipes import FEATHER, blended, matched, turned
from landloom.data import samples
from landloom.data.batches import spread
from landloom.data.lattice import Lattice, Sheet
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.raster.labels import IGNORE

LOOKED = 32
"""Tiles of a scene, evenly spread, by which the colours of its classes are measured."""


class SceneImages:
    """Lays the images of patches, in the order of the patches.

    Args:
        dataset: the dataset statistics.
        maps: the tiles.
        lattice: the cells.
        rows: rows of cells that are wanted.
        cols: columns of cells that are wanted.
    """

    def __init__(self, dataset: Statistics, maps: Maps, lattice: Lattice, rows: range, cols: range) -> None:
        self.dataset, self.maps, self.feather = dataset, maps, max(FEATHER, lattice.margin)
        self.shifts = shifts(dataset, maps)
        self.image = Sheet(lattice, rows, cols, [-1.0] * dataset.bands, np.float32)
        self.mask = Sheet(lattice, rows, cols, [IGNORE], np.uint8)
        self.gaps = Sheet(lattice, rows, cols, [False], np.bool_)

    def lay(self, patches: Sequence[Patch]) -> None:
        """Lay the images of patches that belong to one row of cells."""
        numbers = sorted({p.tile for p in patches})
        found = samples.pick(self.maps.shards, [self.maps.tiles[n].row for n in numbers])
        shown = {n: self.lit(s) for n, s in zip(numbers, found, strict=True)}
        for p in patches:
            image, before = turned(shown[p.tile], p.variant), self.image.over(p.row, p.col)
            new, old = turned(self.maps.mask(p.tile), p.variant), self.mask.over(p.row, p.col)[0]
            above = matched(image, new, p.take, before, old)
            before += blended(p.take, old == new, self.feather) * (above - before)
            old[p.take] = new[p.take]
            gaps = turned(self.maps.gaps(p.tile), p.variant)
            self.gaps.over(p.row, p.col)[0][p.take] = gaps[p.take]

    def lit(self, tile: Sample) -> Image:
        """The image (C, H, W) of a tile in [-1, 1], in the light of all scenes."""
        image, mask = self.dataset.scale(tile.image_array()), tile.mask_array()
        moved = image + np.moveaxis(self.shifts[tile.scene][mask.clip(max=len(self.dataset.classes))], -1, 0)
        return np.asarray(np.clip(moved, -1, 1), np.float32)

    def finished(self, end: int) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """Finished rows (C, H, W), in the dataset's units, and where (H, W) no class is known."""
        self.mask.finished(end)
        image, gaps = self.image.finished(end)[1], self.gaps.finished(end)[1]
        return self.dataset.unscale(image), gaps[0]


def shifts(dataset: Statistics, maps: Maps) -> dict[str, NDArray[np.float32]]:
    """What to add (K + 1, C) to the pixels of each class of a scene, so that it looks alike in all scenes.

    A class is brought from its mean colour in the scene to the mean of the scenes that have it. The last row,
    for pixels without a class, is the mean of the others.
    """
    scenes: dict[str, list[int]] = {}
    for tile in maps.tiles:
        scenes.setdefault(tile.scene, []).append(tile.row)
    means = {
        s: colours(list(samples.pick(maps.shards, spread(r, LOOKED))), dataset) for s, r in scenes.items()
    }
    every = np.stack(list(means.values()))
    known = ~np.isnan(every).any(2)
    total = np.nan_to_num(every).sum(0) / np.maximum(known.sum(0), 1)[:, None]
    found = {}
    for scene, mean in means.items():
        moved = np.nan_to_num(total - mean)
        rest = moved[~np.isnan(mean).any(1)]
        last = rest.mean(0) if len(rest) else np.zeros(dataset.bands)
        found[scene] = np.concatenate([moved, last[None]]).astype(np.float32)
    return found


def colours(tiles: Sequence[Sample], dataset: Statistics) -> NDArray[np.float64]:
    """Mean colour (K, C) of each class in some tiles, NaN where there are too few pixels to tell."""
    images = [dataset.scale(t.image_array()).reshape(dataset.bands, -1) for t in tiles]
    masks = [t.mask_array().ravel() for t in tiles]
    pixels, labels = np.concatenate(images, 1), np.concatenate(masks)
    found = np.full((len(dataset.classes), dataset.bands), np.nan)
    for k in np.unique(labels[labels < len(found)]):
        if (here := labels == k).sum() >= ENOUGH:
            found[k] = pixels[:, here].mean(1)
    return found

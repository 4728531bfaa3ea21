"""Collages: pieces of real train tiles, put together so that each pixel shows the class that a mask names.

Copy and paste between tiles is a classical augmentation; here it is also what a sampler may start from in
place of pure noise, as in SDEdit (Meng et al. 2022) and semi-parametric synthesis (Qi et al. 2018).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from landloom import samples
from landloom.config.image_sample import CollageConfig
from landloom.dataset import Dataset
from landloom.diffusion.symmetry import turn
from landloom.errors import InputError
from landloom.metrics.memorisation import Place, overlapping
from landloom.metrics.validity import CELLS, reduced
from landloom.raster import codec
from landloom.samples import IGNORE, Sample
from landloom.stage import Ins

TURNS = 8
SHARE = 4
"""A collage is chosen from one in so many of all turned tiles at most, or all seeds would choose the same."""
Mask = NDArray[np.uint8]
Image = NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """A train tile, by its number, in one of its eight turns."""

    tile: int
    variant: int

    def turned(self, x: NDArray[np.generic]) -> NDArray[np.generic]:
        """(..., H, W), turned."""
        return np.asarray(turn(torch.from_numpy(x), self.variant).numpy())


class Library:
    """Train tiles, of which only masks in cells and places are held; images are read when they are chosen.

    Args:
        dataset: the dataset card.
        tiles: shards of tiles; val and test tiles are left out.
        config: how many candidates and pieces a collage has.

    Raises:
        InputError: there is no train tile.
    """

    def __init__(self, dataset: Dataset, tiles: Ins, config: CollageConfig) -> None:
        self.dataset, self.tiles, self.config = dataset, tiles, config
        found = samples.columns(tiles, ["id", "scene", "row", "col", "split", "mask"])
        if "train" not in found["split"]:
            raise InputError(tiles[0].parent, "no train tile to cut from", "Look at check and tile")
        train = [i for i, split in enumerate(found["split"]) if split == "train"]
        self.rows = train
        self.places = [Place(*(found[k][i] for k in ("id", "scene", "row", "col"))) for i in train]
        self.cells = np.stack([reduced(codec.decode(found["mask"][i])[0].astype(np.uint8)) for i in train])
        counts = [np.count_nonzero(self.cells == k, (1, 2)) for k in range(len(dataset.classes))]
        self.counts = np.stack(counts, 1)
        self.number = {p.id: n for n, p in enumerate(self.places)}

    def chosen(self, sample: Sample, seed: int) -> list[Piece]:
        """Pieces for a mask: each the candidate that covers most of what is still open, in cells.

        Tiles that share pixels with a parent of the sample, whose mask it may have, are no candidates. For
        each class that is left open, a tile that has much of it comes last.
        """
        random = np.random.default_rng(seed)
        free = self._free(sample.parents)
        if not len(free):
            return []
        count = min(self.config.candidates, -(-len(free) * TURNS // SHARE))
        drawn = random.choice(len(free) * TURNS, count, replace=False)
        tiles, variants = free[drawn // TURNS], drawn % TURNS
        wanted = reduced(sample.mask_array())
        fits = np.empty((len(tiles), CELLS, CELLS), bool)
        for v in range(TURNS):
            fits[variants == v] = (
                turn(torch.from_numpy(self.cells[tiles[variants == v]]), v).numpy() == wanted
            )
        open_, found = wanted != IGNORE, list[Piece]()
        while open_.any() and len(found) < self.config.pieces:
            covered = (fits & open_).sum((1, 2))
            best = int(covered.argmax())
            if not covered[best]:
                break
            found.append(Piece(int(tiles[best]), int(variants[best])))
            open_ &= ~fits[best]
        rich = [self._rich(int(k), free, random) for k in np.unique(sample.mask_array()) if k != IGNORE]
        return [*found, *(p for p in rich if p is not None)]

    def _free(self, parents: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of the tiles that share no pixel with any of the parents."""
        free = np.ones(len(self.places), bool)
        for parent in parents:
            if parent in self.number:
                number = self.number[parent]
                free &= ~overlapping(self.places, self.dataset.size, slice(number, number + 1))[0]
        return np.flatnonzero(free)

    def _rich(self, k: int, free: NDArray[np.int64], random: np.random.Generator) -> Piece | None:
        """One of the tiles with the most of a class; None when no tile shows any."""
        counts = self.counts[free, k]
        if not counts.any():
            return None
        return Piece(int(random.choice(free[counts >= counts.max() / 2])), 0)


class Collages:
    """Collages of some samples, from a library's tiles.

    Args:
        library: the train tiles.
        wanted: samples with their seeds.

    Attributes:
        parents: names of the tiles that a collage shows, once it was made, by sample and seed.
    """

    def __init__(self, library: Library, wanted: Sequence[tuple[Sample, int]]) -> None:
        self.library = library
        self.pieces = {(s.id, seed): library.chosen(s, seed) for s, seed in wanted}
        tiles = {p.tile for pieces in self.pieces.values() for p in pieces}
        rows = {library.rows[t]: t for t in tiles}
        real = samples.pick(library.tiles, list(rows))
        self.parents: dict[tuple[str, int], list[str]] = {}
        self.real = dict(zip((rows[r] for r in sorted(rows)), real, strict=True))

    def __call__(self, rows: Sequence[Sample], seeds: Sequence[int]) -> Image:
        """Collages (B, C, H, W) in [-1, 1] of the masks of samples."""
        bands, found = self.library.dataset.bands, []
        for row, seed in zip(rows, seeds, strict=True):
            pieces = self.pieces[row.id, seed]
            image, used = assembled(row.mask_array(), list(self._parts(pieces)), bands)
            tiles = (self.library.places[pieces[i].tile].id for i in used)
            self.parents[row.id, seed] = list(dict.fromkeys(tiles))
            found.append(image)
        return np.stack(found)

    def _parts(self, pieces: Sequence[Piece]) -> Iterator[tuple[Mask, Image]]:
        for piece in pieces:
            tile = self.real[piece.tile]
            image = self.library.dataset.scale(tile.image_array())
            yield piece.turned(tile.mask_array()).astype(np.uint8), piece.turned(image).astype(np.float32)


def assembled(mask: Mask, parts: Sequence[tuple[Mask, Image]], bands: int) -> tuple[Image, list[int]]:
    """Image (C, H, W) of a mask (H, W): each pixel from the first part with the same class there.

    A pixel that no part fits takes the nearest pixel of its class in the last part that has any. Pixels
    without a class show the first part; 0 where there is no part at all.

    Returns:
        The image, and the parts that it shows.
    """
    image, open_, used = np.zeros((bands, *mask.shape), np.float32), np.ones(mask.shape, bool), set[int]()
    for number, (labels, shown) in enumerate(parts):
        fits = open_ & ((labels == mask) | (mask == IGNORE))
        image[:, fits] = shown[:, fits]
        used |= {number} if fits.any() else set()
        open_ &= ~fits
    for k in np.unique(mask[open_]):
        number = max((i for i, (labels, _) in enumerate(parts) if (labels == k).any()), default=-1)
        if number >= 0:
            labels, shown = parts[number]
            rows, columns = distance_transform_edt(labels != k, return_distances=False, return_indices=True)
            here = open_ & (mask == k)
            image[:, here] = shown[:, rows[here], columns[here]]
            used.add(number)
    return image, sorted(used)

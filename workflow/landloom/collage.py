"""Collages: pieces of real train tiles, put together so that each pixel shows the class that a mask names.

Copy and paste between tiles is a classical augmentation; here it is also what a sampler may start from in
place of pure noise, as in SDEdit (Meng et al. 2022) and semi-parametric synthesis (Qi et al. 2018).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from landloom import samples
from landloom.config.image_sample import CollageConfig
from landloom.dataset import Dataset
from landloom.diffusion.symmetry import turn
from landloom.errors import InputError
from landloom.metrics.validity import CELLS, reduced
from landloom.raster import codec
from landloom.samples import IGNORE, Sample

TURNS = 8
SHARE = 4
"""A collage is chosen from one in so many of all turned tiles at most, or all seeds would choose the same."""
ENOUGH = 64
"""Pixels of a class from which its mean colour in an image can be told."""
BLOCK = 256
"""Samples whose tiles are held in memory together."""
Mask = NDArray[np.uint8]
Image = NDArray[np.float32]
Key = tuple[str, int]


@dataclass(frozen=True)
class Piece:
    """A train tile, by its number, in one of its eight turns, and the part of the image that it may give.

    Attributes:
        tile: its number.
        variant: its turn.
        cut: normal (down, right) and offset of a line, in sides of the image: it gives what lies before.
    """

    tile: int
    variant: int
    cut: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def part(self, side: int) -> NDArray[np.bool_]:
        """Where it may give pixels or cells of a square (side, side)."""
        return along(self.cut[0], self.cut[1], side) <= self.cut[2]


def along(down: float, right: float, side: int) -> NDArray[np.float64]:
    """How far each pixel of a square (side, side) of side 1 lies in a direction."""
    at = (np.arange(side) + 0.5) / side
    return down * at[:, None] + right * at


class Library:
    """Train tiles, of which only masks in cells and places are held; images are read when they are chosen.

    Args:
        dataset: the dataset card.
        tiles: shards of tiles; val and test tiles are left out.
        config: how many candidates and pieces a collage has.

    Raises:
        InputError: there is no train tile.
    """

    def __init__(self, dataset: Dataset, tiles: Sequence[Path], config: CollageConfig) -> None:
        self.dataset, self.tiles, self.config = dataset, tiles, config
        self.ids, self.rows, cells, counts, places = [], [], [], [], []
        before, scenes = 0, dict[str, int]()
        for path in tiles:
            found = samples.columns([path], ["id", "scene", "row", "col", "split", "mask"])
            for i, split in enumerate(found["split"]):
                if split == "train":
                    mask = codec.decode(found["mask"][i])[0].astype(np.uint8)
                    cells.append(reduced(mask))
                    counts.append(np.bincount(mask.ravel(), minlength=256)[: len(dataset.classes)])
                    scene = scenes.setdefault(found["scene"][i], len(scenes))
                    places.append((scene, found["row"][i], found["col"][i]))
                    self.ids.append(found["id"][i])
                    self.rows.append(before + i)
            before += len(found["split"])
        if not self.ids:
            raise InputError(tiles[0].parent, "no train tile to cut from", "Look at check and tile")
        self.cells, self.counts, self.places = np.stack(cells), np.stack(counts), np.array(places)
        self.number = {name: n for n, name in enumerate(self.ids)}

    def chosen(self, sample: Sample, seed: int) -> list[Piece]:
        """Pieces for a mask: each the candidate that covers most of what is still open, in cells.

        Tiles that share pixels with a parent of the sample, whose mask it may have, are no candidates. A tile
        that has much of a class comes last, one for each class of the mask, for the pixels that are left.

        Raises:
            InputError: there is no other tile than the parents.
        """
        random, free = np.random.default_rng(seed), self._free(sample.parents)
        if not len(free):
            found = f"all train tiles share pixels with {', '.join(sample.parents)}, whose mask it has"
            raise InputError(sample.id, found, "Do without collages, or cut tiles from more scenes")
        count = min(self.config.candidates, -(-len(free) * TURNS // SHARE))
        drawn = random.choice(len(free) * TURNS, count, replace=False)
        tiles, variants = free[drawn // TURNS], drawn % TURNS
        wanted = reduced(sample.mask_array())
        fits = np.empty((len(tiles), CELLS, CELLS), bool)
        for v in range(TURNS):
            cells = torch.from_numpy(self.cells[tiles[variants == v]])
            fits[variants == v] = turn(cells, v).numpy() == wanted
        open_, pieces = wanted != IGNORE, list[Piece]()
        most = max(1, int(self.config.share * open_.sum()))
        while open_.any() and len(pieces) < self.config.pieces:
            covered = (fits & open_).sum((1, 2))
            best = int(covered.argmax())
            if not covered[best]:
                break
            piece = Piece(int(tiles[best]), int(variants[best]))
            if covered[best] > most:
                piece = replace(piece, cut=line(fits[best] & open_, most, random.uniform(0, 2 * np.pi)))
            pieces.append(piece)
            open_ &= ~(fits[best] & piece.part(CELLS))
            fits[tiles == piece.tile] = False
        return pieces + self._rich(sample.mask_array(), free, random)

    def _free(self, parents: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of the tiles that share no pixel with any of the parents."""
        taken = np.zeros(len(self.ids), bool)
        for number in (self.number[p] for p in parents if p in self.number):
            apart = np.abs(self.places - self.places[number])
            taken |= (apart[:, 0] == 0) & (apart[:, 1:] < self.dataset.size).all(1)
        return np.flatnonzero(~taken)

    def _rich(self, mask: Mask, free: NDArray[np.int64], random: np.random.Generator) -> list[Piece]:
        """For each class of a mask, one of the tiles that have at least half of what the richest has."""
        found = []
        for k in np.unique(mask[mask != IGNORE]):
            counts = self.counts[free, k]
            if counts.any():
                found.append(Piece(int(random.choice(free[counts >= counts.max() / 2])), 0))
        return found


def line(covered: NDArray[np.bool_], most: int, angle: float) -> tuple[float, float, float]:
    """The cut that lies at an angle and leaves about ``most`` of the covered cells (side, side)."""
    down, right = float(np.sin(angle)), float(np.cos(angle))
    far = np.sort(along(down, right, len(covered))[covered])
    return down, right, float(far[most - 1])


@dataclass(frozen=True)
class Collage:
    """An image of a mask, and what it is made of.

    Attributes:
        image: (C, H, W) in [-1, 1].
        shares: share of the pixels that each tile gives, by its name, largest first.
    """

    image: Image
    shares: dict[str, float]


class Collages:
    """Collages of some samples, from a library's tiles.

    Args:
        library: the train tiles.
        wanted: samples with their seeds, in the order in which they will be asked for.
    """

    def __init__(self, library: Library, wanted: Sequence[tuple[Sample, int]]) -> None:
        self.library = library
        self.pieces = {(s.id, seed): library.chosen(s, seed) for s, seed in wanted}
        keys = list(self.pieces)
        blocks = [keys[i : i + BLOCK] for i in range(0, len(keys), BLOCK)]
        self.block = {key: block for block in blocks for key in block}
        self.read: list[Key] = []

    def __call__(self, sample: Sample, seed: int) -> Collage:
        """The collage of a sample."""
        key = (sample.id, seed)
        if self.block[key] is not self.read:
            self._read(self.block[key])
        pieces = self.pieces[key]
        mask, bands = sample.mask_array(), self.library.dataset.bands
        image, counts = assembled(mask, list(self._parts(pieces)), bands, [p.part(len(mask)) for p in pieces])
        shares = dict[str, float]()
        for piece, count in zip(pieces, counts, strict=True):
            name = self.library.ids[piece.tile]
            shares[name] = shares.get(name, 0) + count / image[0].size
        return Collage(image, {k: v for k, v in sorted(shares.items(), key=lambda x: -x[1]) if v})

    def _read(self, keys: list[Key]) -> None:
        tiles = sorted({p.tile for key in keys for p in self.pieces[key]})
        real = samples.pick(self.library.tiles, [self.library.rows[t] for t in tiles])
        self.real, self.read = dict(zip(tiles, real, strict=True)), keys

    def _parts(self, pieces: Sequence[Piece]) -> Iterator[tuple[Mask, Image]]:
        for piece in pieces:
            tile = self.real[piece.tile]
            image = torch.from_numpy(self.library.dataset.scale(tile.image_array()))
            labels = torch.from_numpy(tile.mask_array())
            yield turn(labels, piece.variant).numpy(), turn(image, piece.variant).numpy()


def assembled(
    mask: Mask, parts: Sequence[tuple[Mask, Image]], bands: int, where: Sequence[NDArray[np.bool_]] = ()
) -> tuple[Image, list[int]]:
    """Image (C, H, W) of a mask (H, W): each pixel from the first part with the same class there.

    ``where`` tells for each part which pixels (H, W) it may give; all, when it is empty.

    A part takes on the mean colours of what the image already shows of its classes, so that pieces from other
    light fit to each other. A pixel that no part fits takes the nearest pixel of its class in the last part
    that has any; the nearest pixel of the image, where no part has its class. Pixels without a class show the
    first part.

    Returns:
        The image, and the number of pixels that each part gives.
    """
    image, source = np.zeros((bands, *mask.shape), np.float32), np.full(mask.shape, -1)

    def show(number: int, shown: Image, here: NDArray[np.bool_]) -> None:
        image[:, here] = matched(shown, image, mask, here, source >= 0)[:, here]
        source[here] = number

    for number, (labels, shown) in enumerate(parts):
        fits = (source < 0) & ((labels == mask) | (mask == IGNORE))
        show(number, shown, fits & where[number] if where else fits)
    for k in np.unique(mask[source < 0]):
        richest = max((i for i, (labels, _) in enumerate(parts) if (labels == k).any()), default=None)
        if richest is not None:
            labels, shown = parts[richest]
            show(richest, _nearest(shown, labels == k), (source < 0) & (mask == k))
    if (source >= 0).any():
        image = _nearest(image, source >= 0)
    return image, [int((source == i).sum()) for i in range(len(parts))]


def matched(
    shown: Image, image: Image, mask: Mask, here: NDArray[np.bool_], known: NDArray[np.bool_]
) -> Image:
    """What is shown, its mean ``here`` moved to that of the image's ``known`` pixels, class by class."""
    moved = shown.copy()
    for k in np.unique(mask[here]):
        new, old = here & (mask == k), known & (mask == k)
        if old.sum() >= ENOUGH:
            moved[:, new] += (image[:, old].mean(1) - shown[:, new].mean(1))[:, None]
    return np.clip(moved, -1, 1)


def _nearest(image: Image, known: NDArray[np.bool_]) -> Image:
    """An image (C, H, W) in which each pixel shows the nearest known one, known ones themselves."""
    if known.all():
        return image
    rows, columns = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(image[:, rows, columns])

"""Images of pieces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from landloom.copy_paste.library import Library, Mask, Piece
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.data.symmetry import turn
from landloom.raster.labels import IGNORE

ENOUGH = 64
"""Pixels of a class from which its mean colour in an image can be told."""
BLOCK = 256
"""Samples whose tiles are held in memory together."""
Image = NDArray[np.float32]
Key = tuple[str, int]


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
    """Image (C, H, W) for a mask (H, W): each pixel comes from the first part that shows its class there.

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

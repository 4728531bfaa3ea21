"""Tiles made of parts of other tiles, mask and image alike: what was taken from where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from landloom.copy_paste.assembly import ENOUGH, Image
from landloom.copy_paste.library import Mask
from landloom.data.symmetry import turn

FEATHER = 3
"""Pixels on each side of a seam in which both images show, where both tiles have the same class."""
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Step:
    """One more tile over what is there.

    Attributes:
        turned: how what is there is turned first.
        tile: number of the tile.
        variant: its turn.
        shift: by how many pixels it is then moved, down and right.
        take: where it shows (H, W).
    """

    turned: int
    tile: int
    variant: int
    take: NDArray[np.bool_]
    shift: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Recipe:
    """How a tile is made.

    Attributes:
        start: number of the tile that it begins with.
        variant: its turn.
        steps: what is laid over it, in order.
        blend: whether later tiles take on the colours of what they meet, and seams are blended.
    """

    start: int
    variant: int
    steps: Sequence[Step] = field(default_factory=list)
    blend: bool = True

    @property
    def tiles(self) -> set[int]:
        """Numbers of the tiles it needs."""
        return {self.start, *(s.tile for s in self.steps)}

    def mask(self, masks: Mapping[int, Mask]) -> Mask:
        """The mask (H, W), from those of the tiles."""
        made = turned(masks[self.start], self.variant)
        for step in self.steps:
            made = np.where(step.take, placed(masks[step.tile], step), turned(made, step.turned))
        return made

    def image(self, masks: Mapping[int, Mask], images: Mapping[int, Image]) -> Image:
        """The image (C, H, W) in [-1, 1], from masks and images of the tiles."""
        made = turned(masks[self.start], self.variant)
        shown = turned(images[self.start], self.variant)
        for step in self.steps:
            old, before = turned(made, step.turned), turned(shown, step.turned)
            new, above = placed(masks[step.tile], step), placed(images[step.tile], step)
            made = np.where(step.take, new, old)
            if self.blend:
                above = matched(above, new, step.take, before, old)
            weight = blended(step.take, old == new) if self.blend else step.take.astype(np.float32)
            shown = before + weight * (above - before)
        return np.asarray(shown, np.float32)

    def taken(self, side: int) -> NDArray[np.bool_]:
        """Where another tile than the first one shows (side, side)."""
        found = np.zeros((side, side), bool)
        for step in self.steps:
            found = turned(found, step.turned) | step.take
        return found

    def shares(self, side: int) -> dict[int, float]:
        """Share of the pixels that each tile gives, by its number, largest first."""
        owner = np.full((side, side), self.start)
        for step in self.steps:
            owner = np.where(step.take, step.tile, turned(owner, step.turned))
        tiles, counts = np.unique(owner, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {int(tiles[i]): float(counts[i] / owner.size) for i in order}


def turned(x: NDArray[T], variant: int) -> NDArray[T]:
    """Variant 0..7 of (..., H, W), as ``data.symmetry`` numbers them."""
    found: NDArray[T] = turn(torch.from_numpy(np.ascontiguousarray(x)), variant).numpy()
    return found


def placed(x: NDArray[T], step: Step) -> NDArray[T]:
    """A tile (..., H, W), turned and moved as a step says; what leaves at one side comes in at the other."""
    return np.roll(turned(x, step.variant), step.shift, (-2, -1))


def matched(above: Image, new: Mask, take: NDArray[np.bool_], before: Image, old: Mask) -> Image:
    """An image (C, H, W) with the mean colours that its classes have in another, where that stays.

    Args:
        above: the image that is laid over the other.
        new: its classes (H, W).
        take: where it shows.
        before: the other.
        old: its classes.
    """
    moved = above.copy()
    for k in np.unique(new[take]):
        shown, kept = take & (new == k), ~take & (old == k)
        if kept.sum() >= ENOUGH:
            moved[:, new == k] += (before[:, kept].mean(1) - above[:, shown].mean(1))[:, None]
    return np.clip(moved, -1, 1)


def blended(take: NDArray[np.bool_], alike: NDArray[np.bool_], feather: int = FEATHER) -> NDArray[np.float32]:
    """How much of the new image shows (H, W): a ramp across the seam where both tiles have one class."""
    if take.all() or not take.any():
        return take.astype(np.float32)
    inside, outside = distance_transform_edt(take), distance_transform_edt(~take)
    ramp = np.clip(0.5 + np.where(take, inside - 0.5, 0.5 - outside) / (2 * feather), 0, 1)
    return np.where(alike, ramp, take).astype(np.float32)

"""Copy and paste: regions of the classes that are lacking, cut from other tiles and laid over a real one.

The augmentation of Ghiasi et al. (2021) for class masks. It costs no training, so it is what generators of
new pairs have to be measured against.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from landloom.copy_paste.maps import Maps
from landloom.copy_paste.quilting import NEAR, STARTS, Shares, gap, shares
from landloom.copy_paste.recipes import Recipe, Step, placed, turned

ROUNDS = 12
"""Regions that are tried at most."""
DONORS = 8
"""Tiles among which the region is looked for."""
LEAST = 4
"""Pixels that a class must lack for a region of it to be pasted."""


def paste(maps: Maps, target: Shares, rng: np.random.Generator) -> Recipe:
    """A real tile with regions pasted on it towards shares (K,), NaN where a class is open."""
    drawn = rng.permutation(len(maps.tiles))[:STARTS]
    start = int(drawn[gap(maps.shares[drawn], target).argmin()])
    return pasted(maps, Recipe(start, int(rng.integers(8)), blend=False), target, rng)


def pasted(
    maps: Maps, start: Recipe, target: Shares, rng: np.random.Generator,
    fits: Callable[[NDArray[np.bool_]], bool] = lambda taken: True,
) -> Recipe:  # fmt: skip
    """A recipe with regions pasted on it towards shares (K,).

    ``fits`` says of all pixels (H, W) that would be pasted on whether they may be.
    """
    canvas, steps = turned(maps.mask(start.start), start.variant), list[Step]()
    taken = np.zeros(canvas.shape, bool)
    for _ in range(ROUNDS):
        lacks = np.nan_to_num(target - shares(canvas, len(target)))
        off = float(gap(shares(canvas, len(target)), target))
        wanted = int(lacks.argmax())
        if off < NEAR or lacks[wanted] * canvas.size < LEAST:
            break
        step = region(maps, wanted, float(lacks[wanted]), rng)
        if step is None:
            break
        made = np.where(step.take, placed(maps.mask(step.tile), step), canvas)
        if gap(shares(made, len(target)), target) < off and fits(taken | step.take):
            steps.append(step)
            canvas, taken = made, taken | step.take
    return replace(start, steps=steps)


def region(maps: Maps, wanted: int, size: float, rng: np.random.Generator) -> Step | None:
    """A region of a class whose share of the tile is near ``size``, turned and moved at random; or None.

    Of some tiles that have the class, the region that is nearest in size is taken.
    """
    holders = rng.permutation(np.flatnonzero(maps.shares[:, wanted] > 0))[:DONORS]
    best: tuple[float, int, int, NDArray[np.bool_]] | None = None
    for tile in holders:
        variant = int(rng.integers(8))
        found, _ = label(turned(maps.mask(int(tile)), variant) == wanted)
        areas = np.bincount(found.ravel())[1:] / found.size
        number = int(np.abs(areas - size).argmin())
        off = abs(float(areas[number]) - size)
        if best is None or off < best[0]:
            best = off, int(tile), variant, found == number + 1
    return None if best is None else moved(*best[1:], rng)


def moved(tile: int, variant: int, here: NDArray[np.bool_], rng: np.random.Generator) -> Step:
    """The step that pastes a region of a turned tile at a random place where all of it is inside."""
    box = find_objects(here.astype(np.int8))[0]
    shift = [int(rng.integers(-b.start, n - b.stop + 1)) for b, n in zip(box, here.shape, strict=True)]
    return Step(0, tile, variant, np.roll(here, shift, (0, 1)), (shift[0], shift[1]))

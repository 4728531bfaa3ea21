"""Masks quilted from real ones to a class mix.

Image quilting (Efros and Freeman 2001) lays patches side by side and cuts each along the line where it fits
its neighbour best. Here the patches are turned real masks, and the line runs where both have the same class,
or classes that often touch. Which patch, which turn and where to cut is chosen for the class mix that is
asked for. Shapes are those of real maps, for that is where they come from.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landloom.copy_paste.library import Mask
from landloom.copy_paste.maps import STRIPS, Maps, before, cuts
from landloom.copy_paste.recipes import Recipe, Step, turned

STARTS = 64
"""Tiles drawn at random of which the nearest to the request begins a mask."""
TILES = 512
"""Tiles drawn at random for each further patch, tried in all turns and at all cuts."""
TRIED = 24
"""Of these, how many are cut along their best line."""
ROUNDS = 6
"""Patches besides the first at most."""
NEAR = 0.005
"""Mean distance to the asked shares that is near enough."""
FIRST, LATER = (STRIPS // 4, STRIPS * 3 // 4), (STRIPS // 4, STRIPS - 1)
"""Strips between which the first, and a later cut lies: no tile gives more than three quarters."""
BAND = 0.12
"""How far the line may leave the cut, as a share of the side."""
SEAM = 0.05
"""How much of a class share a seam is worth that costs one per pixel."""
REACH = 2
"""Columns that the line may move from row to row."""
STRAIGHT = 0.05
"""What moving by a column costs."""

Shares = NDArray[np.float64]


def quilt(maps: Maps, target: Shares, rng: np.random.Generator) -> Recipe:
    """A mask near to shares (K,), NaN where a class is open.

    The start is one of real tiles. Then one side of what there is gives way to another tile, as long as that
    brings the mix nearer; the first time in any case, so that no mask is a real one.
    """
    drawn = rng.permutation(len(maps.tiles))[:STARTS]
    start = int(drawn[gap(maps.shares[drawn], target).argmin()])
    recipe = Recipe(start, int(rng.integers(8)))
    canvas, steps = turned(maps.mask(start), recipe.variant), list[Step]()
    others = np.delete(np.arange(len(maps.tiles)), start) if len(maps.tiles) > 1 else np.array([start])
    for number in range(ROUNDS):
        off = float(gap(shares(canvas, len(target)), target))
        if steps and off < NEAR:
            break
        found = patched(maps, canvas, target, others, rng, FIRST if number == 0 else LATER)
        if not steps or found.off < off:
            steps.append(found.step)
            canvas = found.mask
    return Recipe(start, recipe.variant, steps)


@dataclass(frozen=True)
class Patched:
    """A mask (H, W) after a step, and how far it is off."""

    step: Step
    mask: Mask
    off: float


def patched(
    maps: Maps, canvas: Mask, target: Shares, others: NDArray[np.int64], rng: np.random.Generator,
    strips: tuple[int, int],
) -> Patched:  # fmt: skip
    """The best of some patches, from other tiles, for the right side of what is there after a random turn."""
    variant = int(rng.integers(8))
    canvas = turned(canvas, variant)
    tiles = rng.permutation(others)[:TILES]
    tiles, sides, middle = candidates(maps, canvas, target, tiles, strips)
    variants = 2 * sides
    # Upside down the shares of its columns stay as they are.
    variants = np.where(rng.random(len(tiles)) < 0.5, upside_down(variants), variants)
    right = np.stack([turned(maps.mask(int(t)), int(v)) for t, v in zip(tiles, variants, strict=True)])
    columns, price = line(canvas, right, maps.price, middle)
    take = np.arange(maps.size) >= columns[:, :, None]
    made = np.where(take, right, canvas)
    off = np.array([gap(shares(m, len(target)), target) for m in made])
    best = int((off + SEAM * price / maps.size).argmin())
    step = Step(variant, int(tiles[best]), int(variants[best]), take[best])
    return Patched(step, made[best], float(off[best]))


def upside_down(variants: NDArray[np.int64]) -> NDArray[np.int64]:
    """Variants that mirror up and down what variants without a mirror show."""
    return (5 - variants) % 8


def candidates(
    maps: Maps, canvas: Mask, target: Shares, tiles: NDArray[np.int64], strips: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Tiles, sides and columns of the straight cuts that come nearest to a target: three of (TRIED,)."""
    tried = np.arange(strips[0], strips[1] + 1)
    left = before(canvas, len(target))[tried]
    off = gap(left + maps.after[:, tiles][:, :, tried], target)
    order = np.argsort(off, axis=None, kind="stable")[:TRIED]
    sides, numbers, places = np.unravel_index(order, off.shape)
    return tiles[numbers], sides, cuts(maps.size)[tried[places]]


def line(
    left: Mask, right: NDArray[np.uint8], price: NDArray[np.float32], middle: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The cheapest line from top to bottom between a mask (H, W) and each of some others (N, H, W).

    Dynamic programming, row by row, in a band around a column each (N,).

    Returns:
        The first column of the right mask in each row (N, H), and the price of each line (N,).
    """
    count, height, width = right.shape
    reach = max(2, int(BAND * width))
    columns = middle[:, None] + np.arange(-reach, reach + 1)  # (N, B)
    inside = (columns >= 1) & (columns < width)
    at = np.where(inside, columns, 1)
    shown = np.take_along_axis(right, np.broadcast_to(at[:, None], (count, height, at.shape[1])), 2)
    cost = price[left[:, at - 1].transpose(1, 0, 2), shown] + np.where(inside, 0, 1e6)[:, None]
    best, path = cheapest(cost.astype(np.float32))
    return np.take_along_axis(columns, path, 1), best


def cheapest(cost: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Price (N,) of the best path from the first to the last row of (N, H, B), and its columns (N, H)."""
    count, height, width = cost.shape
    steps = np.arange(-REACH, REACH + 1)
    turns = STRAIGHT * abs(steps)
    totals = np.full((height, count, width + 2 * REACH), 1e9)
    inside = totals[:, :, REACH:-REACH]
    inside[0] = cost[:, 0]
    for row in range(1, height):
        best = totals[row - 1, :, :width] + turns[0]
        for i in range(1, len(steps)):
            np.minimum(best, totals[row - 1, :, i : i + width] + turns[i], out=best)
        np.add(best, cost[:, row], out=inside[row])
    path, each = np.empty((count, height), np.int64), np.arange(count)
    path[:, -1] = inside[-1].argmin(1)
    for row in range(height - 1, 0, -1):
        came = path[:, row, None] + np.arange(len(steps))
        moved = (totals[row - 1, each[:, None], came] + turns).argmin(1)
        path[:, row - 1] = path[:, row] + steps[moved]
    return inside[-1, each, path[:, -1]], path


def shares(mask: Mask, classes: int) -> Shares:
    """Share of each class (K,) in a mask without gaps."""
    return np.bincount(mask.ravel(), minlength=classes)[:classes] / mask.size


def gap(found: NDArray[np.floating], target: Shares) -> NDArray[np.float64]:
    """Mean distance (...) of shares (..., K) to those asked for; 0 where nothing is."""
    named = ~np.isnan(target)
    return np.asarray(np.abs(found - target)[..., named].sum(-1) / max(named.sum(), 1), np.float64)

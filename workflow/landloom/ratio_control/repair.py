"""Quota repair: border pixels change sides until the class shares are the ones asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHIFTS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
STRAIGHT = [s for s in SHIFTS if 0 in s]
LIMIT = 0.05
"""Largest share of pixels that may change: a repair is no second generator."""
SMOOTH = 0.5
"""Nats that one neighbour of a class is worth: borders stay short while they move."""


@dataclass(frozen=True)
class Move:
    """One pixel that may change its class, and what that costs."""

    price: float
    row: int
    col: int
    old: int
    new: int


def repair(
    mask: NDArray[np.uint8], cost: NDArray[np.float32], target: NDArray[np.float64], limit: float = LIMIT
) -> tuple[NDArray[np.uint8], int]:
    """The mask (H, W) with border pixels reassigned towards a target, and how many differ from before.

    In each round, pixels of classes that are too large and that touch a class that is too small are sorted by
    what the change costs, and the cheaper half is moved. A class that no too-large class touches stays as
    it is: regions grow and shrink, none is invented.

    Args:
        mask: class indices without ignored pixels.
        cost: cost of each class per pixel (K, H, W), such as minus its logit.
        target: shares (K,); NaN for classes that may be as large as they like.
        limit: largest share of pixels that may change.
    """
    fixed, budget = mask.copy(), int(limit * mask.size)
    quota = quotas(target, mask.size)
    while budget > (changed := int((fixed != mask).sum())):
        need = missing(fixed, quota)
        moves = sorted(candidates(fixed, cost, need), key=lambda m: (m.price, m.row, m.col))
        # Half at a time: each move changes the borders that the others were chosen by.
        if not apply(fixed, moves[: max(1, len(moves) // 2)], need, budget - changed):
            break
    return fixed, int((fixed != mask).sum())


def quotas(target: NDArray[np.float64], pixels: int) -> NDArray[np.float64]:
    """Whole pixels per class (K,), NaN where open; complete targets sum to all pixels."""
    exact = target * pixels
    whole = np.floor(exact)
    if not np.isnan(target).any():
        # Largest remainders first (the method of Hamilton), so that no pixel is left over.
        order = np.argsort(whole - exact, kind="stable")
        whole[order[: round(pixels - whole.sum())]] += 1
    return np.asarray(whole)


def missing(mask: NDArray[np.uint8], quota: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels each class lacks (negative: has too many); open classes share what the named ones leave."""
    lacks = quota - np.bincount(mask.ravel(), minlength=len(quota))
    return np.where(np.isnan(lacks), -np.nansum(lacks), lacks)


def candidates(mask: NDArray[np.uint8], cost: NDArray[np.float32], need: NDArray[np.float64]) -> list[Move]:
    """All changes of a border pixel from a class with too many pixels to a touching class with too few."""
    around, touching = neighbours(mask, len(need), SHIFTS), neighbours(mask, len(need), STRAIGHT) > 0
    price = cost - SMOOTH * around
    found = []
    for new in np.flatnonzero(need > 0):
        rows, cols = np.nonzero(touching[new] & (need[mask] < 0))
        old = mask[rows, cols]
        prices = price[new, rows, cols] - price[old, rows, cols]
        moves = zip(prices.tolist(), rows.tolist(), cols.tolist(), old.tolist(), strict=True)
        found += [Move(*m, int(new)) for m in moves]
    return found


def neighbours(mask: NDArray[np.uint8], classes: int, shifts: list[tuple[int, int]]) -> NDArray[np.int64]:
    """How many neighbours of each class every pixel has (K, H, W)."""
    hot = np.pad(mask[None] == np.arange(classes)[:, None, None], ((0, 0), (1, 1), (1, 1)))
    height, width = mask.shape
    return np.sum([hot[:, 1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in shifts], 0)


def apply(mask: NDArray[np.uint8], moves: list[Move], need: NDArray[np.float64], budget: int) -> int:
    """Make the moves in order as long as they are needed; returns how many were made."""
    done = 0
    for m in moves:
        if done < budget and mask[m.row, m.col] == m.old and need[m.old] < 0 < need[m.new]:
            mask[m.row, m.col] = m.new
            need[m.old] += 1
            need[m.new] -= 1
            done += 1
    return done

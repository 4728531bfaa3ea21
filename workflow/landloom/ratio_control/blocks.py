"""Class shares of a scene, block by block: drawn before any block is made, so that each can follow its own.

A share asked of a whole scene is a promise of all its blocks together. Kept by looking at what the others
have, it would tie each block to all; drawn beforehand, blocks stay independent of each other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Shares = NDArray[np.float64]

TRACE = 1e-4
"""Share that each block gets of a class that the scene shall have and it does not: zero could not be bent."""
ROUNDS = 2000
NEAR = 1e-9
"""Largest distance of a class share of the scene to the one asked for."""
CLEAR = (0.02, 0.95)
"""Likeness of neighbours, below which there is none and above which there is no more."""
DIVIDED = 50
"""Rounds in which the shares of blocks are divided among cells."""
FAR = 4
"""Standard deviations at which a Gaussian ends."""


def spread(
    asked: Shares, real: Shares, pixels: NDArray[np.integer], reach: float, rng: np.random.Generator
) -> Shares:
    """Shares (R, C, K) of the blocks of a scene, whose mean by pixels is the share asked for.

    Each block has the mix of a real tile. Which one follows a smooth random field, so that neighbours are as
    alike as they are in real scenes. Then all are bent together, by one factor a class.

    Args:
        asked: shares (K,) of the scene, adding up to one.
        real: shares (N, K) of real tiles.
        pixels: pixels of each block (R, C), fewer where the scene ends.
        reach: standard deviation of the field's smoothing in blocks, see ``reach``; 0 for none.
        rng: draws the field.
    """
    field = smooth(rng.standard_normal((*padded(pixels.shape, reach), real.shape[1])), reach)
    mixes = nearest(field.reshape(-1, real.shape[1]), real)
    found = bent(mixes, asked, pixels.ravel().astype(np.float64))
    return found.reshape(*pixels.shape, -1)


def padded(shape: tuple[int, ...], reach: float) -> tuple[int, ...]:
    """Size of the noise of which a smoothed field of a size is made."""
    return tuple(n + 2 * margin(reach) for n in shape)


def margin(reach: float) -> int:
    """Cells over which a Gaussian reaches."""
    return int(FAR * reach + 0.5)


def smooth(noise: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """White noise (R + 2M, C + 2M, K), smoothed: (R, C, K) of variance one."""
    if reach <= 0:
        return noise
    edge = margin(reach)
    found = gaussian_filter(noise, (reach, reach, 0), mode="constant", truncate=FAR)
    impulse = np.zeros(2 * edge + 1)
    impulse[edge] = 1
    spreads = (gaussian_filter(impulse, reach, mode="constant", truncate=FAR) ** 2).sum()
    inside = found[edge : len(noise) - edge, edge : noise.shape[1] - edge]
    return np.asarray(inside / spreads)


def nearest(field: NDArray[np.float64], real: Shares) -> Shares:
    """For standard normal vectors (B, K) the shares (B, K) of real tiles that lie there.

    The vectors are given the mean and the covariance of real shares. Distances are those of Hellinger,
    between roots of shares, in which a little of a class and none of it differ.
    """
    roots = np.sqrt(real)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(roots.T, bias=True)))
    points = roots.mean(0) + (field * np.sqrt(values.clip(0))) @ vectors.T
    apart = [(roots**2).sum(1) - 2 * roots @ p for p in points]
    return np.asarray(real[[int(a.argmin()) for a in apart]])


def bent(shares: Shares, mean: Shares, weights: Shares) -> Shares:
    """Rows (N, K), each class times one factor, that sum to one and have the given weighted mean (K,).

    Iterative proportional fitting (Deming and Stephan 1940): of all rows with that mean, those nearest to
    the given ones in relative entropy.
    """
    return times(shares, mean, factors(shares, mean, weights))


def times(shares: Shares, mean: Shares, factor: Shares) -> Shares:
    """Rows (N, K), each class times its factor (K,), that sum to one; all hold a trace of what is wanted."""
    found = np.maximum(shares, np.where(mean > 0, TRACE, 0)) * factor
    return np.asarray(found / found.sum(1, keepdims=True))


def factors(shares: Shares, mean: Shares, weights: Shares) -> Shares:
    """The factor (K,) of each class with which rows (N, K) have the given weighted mean (K,)."""
    found, part = np.ones(len(mean)), weights / weights.sum()
    for _ in range(ROUNDS):
        now = part @ times(shares, mean, found)
        if np.abs(now - mean).max() < NEAR:
            break
        found = found * (mean / np.maximum(now, 1e-12))
    return np.asarray(found)


def reach(scenes: Sequence[str], places: NDArray[np.integer], shares: Shares, side: int) -> float:
    """How far class mixes reach, in blocks: the smoothing after which noise is as alike as real neighbours.

    Noise that was smoothed by a Gaussian of s blocks is alike by exp(-1 / (4 s^2)) from block to block.

    Args:
        scenes: scene of each real tile.
        places: their rows and columns (N, 2).
        shares: their class shares (N, K).
        side: of a block in pixels.
    """
    at = {(s, int(r), int(c)): i for i, (s, (r, c)) in enumerate(zip(scenes, places, strict=True))}
    beside = [(0, side), (side, 0)]
    pairs = [
        (i, at[s, r + y, c + x]) for (s, r, c), i in at.items() for y, x in beside if (s, r + y, c + x) in at
    ]
    roots = np.sqrt(shares)
    roots = roots - roots.mean(0)
    total = (roots**2).sum(1).mean()
    if not pairs or not total:
        return 0.0
    one, other = np.array(pairs).T
    alike = float((roots[one] * roots[other]).sum(1).mean() / total)
    return 0.0 if alike < CLEAR[0] else float(0.5 / np.sqrt(-np.log(min(alike, CLEAR[1]))))


def pixels(height: int, width: int, side: int) -> NDArray[np.int64]:
    """Pixels of each block (R, C) of a scene; those at the lower and right edge may be smaller."""
    rows, columns = (np.diff([*range(0, n, side), n]) for n in (height, width))
    return np.outer(rows, columns)


def divided(shares: Shares, height: int, width: int, side: int, cell: int) -> Shares:
    """Shares (R', C', K) of cells smaller than the blocks of a scene, whose means are those of the blocks.

    Cells across the border of two blocks mix them; what that takes from a block is made good by the others.
    Begun with means of the blocks (R, C, K), and then multiplied by what is missing (iterative proportional
    fitting), which leaves classes out of cells whose blocks have none.
    """
    rows, columns = (overlaps(n, cell, side) for n in (height, width))
    means = [part / part.sum(1, keepdims=True) for part in (rows, columns, rows.T, columns.T)]
    found = weighed(means[0], means[1], shares)
    for _ in range(DIVIDED):
        now = weighed(means[2], means[3], found)
        lacks = np.where(shares > 0, shares / np.maximum(now, 1e-9), 0)
        found = found * weighed(means[0], means[1], lacks)
        found = found / found.sum(2, keepdims=True)
    return found


def weighed(rows: NDArray[np.float64], columns: NDArray[np.float64], shares: Shares) -> Shares:
    """Means (A, B, K) of shares (R, C, K), by weights of rows (A, R) and columns (B, C)."""
    return np.einsum("ar,bc,rck->abk", rows, columns, shares, optimize=True)


def overlaps(length: int, cell: int, side: int) -> NDArray[np.float64]:
    """Pixels along one axis that each cell shares with each block (C, B); the last end with the scene."""
    ends = [np.array([*range(0, length, n), length]) for n in (cell, side)]
    (c0, c1), (b0, b1) = ((e[:-1], e[1:]) for e in ends)
    return np.asarray(np.minimum.outer(c1, b1) - np.maximum.outer(c0, b0)).clip(0).astype(np.float64)

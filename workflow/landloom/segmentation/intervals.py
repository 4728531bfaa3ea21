"""Confidence intervals of gains: how far a gain would move with other test ground and other seeds.

The bootstrap (Efron 1979): test ground is drawn again, with replacement, in units that are scored together,
and so are the seeds. Both networks of a pair are scored on the same draw, so what they share cancels.
Percentiles of the gains so found are the interval.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.segmentation.scores import iou

DRAWS = 2000
LEVEL = 0.95
AT_ONCE = 4_000_000
"""Numbers of drawn confusions that are held at once (32 MB)."""
FEW = 10
"""Test scenes below which single tiles are the units: fewer scenes cannot be drawn in many ways."""

Counts = NDArray[np.int64]
"""Confusion matrices (seeds, units, K, K) in pixels; rows are the truth."""


def gains(synthetic: Counts, real: Counts, seed: int = 0) -> NDArray[np.float64]:
    """Gain in IoU of each class and of their mean, in points, with both ends of its interval (K + 1, 3).

    Args:
        synthetic: of the networks trained with synthetic samples.
        real: of those trained without, with the same seeds, on the same units.
        seed: of the draws.
    """
    return together([(synthetic, real)], seed)


def together(pairs: Sequence[tuple[Counts, Counts]], seed: int = 0) -> NDArray[np.float64]:
    """The same, of the mean over kinds of networks: each draw of units and seeds is one for all of them.

    The kinds themselves are not drawn: the interval is for these, not for any that there might be.

    Args:
        pairs: (synthetic, real) of each kind, as ``gains`` takes them, of as many seeds and the same units.
        seed: of the draws.
    """
    whole = np.mean([_gain(a.sum(1), b.sum(1)) for a, b in pairs], 0)
    seeds, units = pairs[0][0].shape[:2]
    rng, chosen, times = np.random.default_rng(seed), np.empty((DRAWS, seeds), int), np.empty((DRAWS, units))
    for i in range(DRAWS):
        chosen[i] = rng.integers(0, seeds, seeds)
        times[i] = np.bincount(rng.integers(0, units, units), minlength=units)
    step = max(1, AT_ONCE // pairs[0][0][:, 0].size)
    parts = [slice(i, i + step) for i in range(0, DRAWS, step)]
    drawn = np.concatenate([_drawn(pairs, chosen[part], times[part]) for part in parts])
    known = ~np.isnan(whole)
    ends = np.full((2, len(whole)), np.nan)
    # A draw may lack a class that the whole ground holds.
    ends[:, known] = np.nanpercentile(drawn[:, known], [50 * (1 - LEVEL), 50 * (1 + LEVEL)], axis=0)
    return 100 * np.stack([whole, *ends], 1)


def _drawn(
    pairs: Sequence[tuple[Counts, Counts]], chosen: NDArray[np.int64], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gains (D, K + 1) of draws: seeds of each (D, seeds), and how often each unit is in it (D, units)."""

    def summed(x: Counts) -> NDArray[np.float64]:
        # Counts are whole numbers far below 2^53: the product is exact, in whatever order BLAS adds.
        flat = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).astype(np.float64)
        every = (times @ flat).reshape(-1, len(x), *x.shape[2:])
        return np.take_along_axis(every, chosen[..., None, None], 1)

    return np.asarray(np.mean([_gain(*map(summed, pair)) for pair in pairs], 0))


def _gain(synthetic: NDArray[Any], real: NDArray[Any]) -> NDArray[np.float64]:
    """Gain (..., K + 1) of confusions (..., seeds, K, K), mean over seeds; NaN where the truth has none."""
    found = (iou(synthetic) - iou(real)).mean(-2)
    known = ~np.isnan(found)
    count = known.sum(-1)
    mean = np.divide(
        np.where(known, found, 0).sum(-1), count, out=np.full(count.shape, np.nan), where=count > 0
    )
    return np.concatenate([found, mean[..., None]], -1)


def units(scenes: Sequence[str]) -> tuple[str, list[str]]:
    """What is drawn, 'scene' or 'tile', and the unit of each test tile, given its scene."""
    if len(set(scenes)) >= FEW:
        return "scene", list(scenes)
    return "tile", [str(i) for i in range(len(scenes))]


def summed(confusions: NDArray[np.int64], keys: Sequence[str]) -> Counts:
    """Confusions (units, K, K) of tiles (N, K, K), added up by key, in the order of first appearance."""
    order = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    result = np.zeros((len(order), *confusions.shape[1:]), np.int64)
    np.add.at(result, [order[k] for k in keys], confusions)
    return result

"""Confidence intervals of gains: how far a gain would move with other test ground and other seeds.

The bootstrap (Efron 1979): test ground is drawn again, with replacement, in units that are scored together,
and so are the seeds. Both networks of a pair are scored on the same draw, so what they share cancels.
Percentiles of the gains so found are the interval.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landloom.segmentation.scores import iou

DRAWS = 2000
LEVEL = 0.95
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
    rng = np.random.default_rng(seed)
    drawn = np.stack([_drawn(pairs, rng) for _ in range(DRAWS)])
    known = ~np.isnan(whole)
    ends = np.full((2, len(whole)), np.nan)
    # A draw may lack a class that the whole ground holds.
    ends[:, known] = np.nanpercentile(drawn[:, known], [50 * (1 - LEVEL), 50 * (1 + LEVEL)], axis=0)
    return 100 * np.stack([whole, *ends], 1)


def _drawn(pairs: Sequence[tuple[Counts, Counts]], rng: np.random.Generator) -> NDArray[np.float64]:
    seeds, units = pairs[0][0].shape[:2]
    chosen = rng.integers(0, seeds, seeds)
    times = np.bincount(rng.integers(0, units, units), minlength=units)
    drawn = [[np.tensordot(x[chosen], times, axes=([1], [0])) for x in pair] for pair in pairs]
    return np.asarray(np.mean([_gain(*pair) for pair in drawn], 0))


def _gain(synthetic: Counts, real: Counts) -> NDArray[np.float64]:
    """Gain (K + 1,) of confusions (seeds, K, K), mean over seeds; NaN for a class that the truth lacks."""
    found = np.array([iou(a) - iou(b) for a, b in zip(synthetic, real, strict=True)]).mean(0)
    mean = np.nanmean(found) if not np.isnan(found).all() else np.nan
    return np.append(found, mean)


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

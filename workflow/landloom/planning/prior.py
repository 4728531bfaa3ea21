"""What real tiles say about a request: what goes with it, and whether anything like it was seen."""

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float64]
PIXELS = 1e-3
"""A pixel or two of distance is never new."""
NEIGHBOURS = 16
"""Real tiles nearest to a partial request whose mean fills in what it leaves open."""
SUPPORT = 0.99
"""A request is not supported when it is farther from every real tile than this quantile of the distances of
real tiles to their nearest other ones."""
MOST = 4096
"""Train tiles that distances are measured to; of more, evenly spread ones are taken."""


def distances(targets: Shares, real: Shares) -> Shares:
    """L1 distances (N, M) of targets to real tiles over the classes that a target names, halved.

    Half of it is the share of pixels that would have to change their class when every class is named.
    """
    return np.asarray(np.stack([np.nansum(np.abs(real - t), 1) / 2 for t in targets]))


def least(targets: Shares, real: Shares) -> Shares:
    """Distance (N,) of each target to the nearest real tile; a target at a time, for there may be many."""
    return np.array([distances(t[None], real).min() for t in targets])


def thinned(real: Shares) -> Shares:
    """At most MOST tiles, evenly spread."""
    return real[np.unique(np.linspace(0, len(real) - 1, min(len(real), MOST)).astype(int))]


def filled(target: Shares, real: Shares, neighbours: int = NEIGHBOURS) -> Shares:
    """A complete target (K,): what is left open follows the mean of the nearest real tiles.

    The mean of their open classes is scaled to what the named ones leave. Where the nearest tiles hold none
    of them, the mean of all tiles stands in.
    """
    open_ = np.isnan(target)
    if not open_.any():
        return target
    nearest = real[np.argsort(distances(target[None], real)[0], kind="stable")[:neighbours]]
    rest = max(0.0, 1 - float(np.nansum(target)))
    for source in (nearest.mean(0), real.mean(0), np.ones_like(target)):
        if (total := source[open_].sum()) > 1e-9:
            return np.where(open_, rest * source / total, target)
    raise AssertionError("ones sum to more than zero")


def novelty(targets: Shares, real: Shares, quantile: float = SUPPORT) -> Shares:
    """How far targets (N, K) are from real tiles (M, K); above 1 is farther than real tiles lie apart.

    The distance to the nearest real tile, over a quantile of the distances of real tiles to their own nearest
    neighbour, both over the classes a target names.
    """
    found = np.zeros(len(targets))
    patterns = np.isnan(targets)
    for pattern in np.unique(patterns, axis=0):
        rows = (patterns == pattern).all(1)
        seen = real[:, ~pattern]
        apart = distances(seen, seen) + np.diag(np.full(len(seen), np.inf))
        usual = np.quantile(apart.min(1), quantile) if len(seen) > 1 else 0.0
        found[rows] = least(targets[rows][:, ~pattern], seen) / max(usual, PIXELS)
    return found


def reachable(targets: Shares, real: Shares, quantile: float = SUPPORT) -> NDArray[np.bool_]:
    """Whether real tiles (M, K) hold as much of every class as targets (N, K) name: (N,).

    A named share may exceed the largest one that a tile holds by the usual gap of its class: a quantile of
    the distances from each tile's share to the next nearest. It is 0 where a class never occurs, so none of
    it can be asked for. Distances over all classes cannot see this: a rare class is a small part of them.
    """
    ordered = np.sort(real, 0)
    edge = np.full((1, real.shape[1]), np.inf)
    steps = np.concatenate([edge, np.diff(ordered, axis=0), edge])
    apart = np.minimum(steps[1:], steps[:-1])
    usual = np.quantile(apart, quantile, axis=0) if len(real) > 1 else np.zeros(real.shape[1])
    return np.asarray((np.nan_to_num(targets) <= ordered[-1] + np.maximum(usual, PIXELS)).all(1))

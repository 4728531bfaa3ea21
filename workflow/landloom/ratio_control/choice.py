"""Best of several tries, and masks that are not good enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from landloom.data.layers import Layer
from landloom.data.quality import Reason
from landloom.data.samples import Meta, Sample, class_ratios


@dataclass(frozen=True)
class Request:
    """One mask that is asked for.

    Attributes:
        target: shares (K,) asked for, NaN where a class is left open.
        expected: shares (K,), complete: what is asked for and the prior of the rest.
        prompt: the shares in words.
        seed: seed of the mask.
        meta: where, when and how an image of it would be taken; None where nothing is known.
    """

    target: NDArray[np.float64]
    expected: NDArray[np.float64]
    prompt: str
    seed: int
    meta: Meta | None = None


@dataclass(frozen=True)
class Drawn:
    """One mask that was drawn.

    Attributes:
        mask: class indices (H, W).
        cost: cost of each class per pixel (K, H, W).
        residual: mean distance of drawn colours to the palette; None where none were drawn.
        attempt: which try it is, from 1.
        image: encoded image (C, H, W) in the dataset's units, if it brings one.
        gaps: where (H, W) it has no class after all; None where it has one everywhere.
        parts: share of its pixels that each real tile gives, by its name, largest first.
        layers: further rasters that go with it.
        over: the real tile whose place it takes, or None.
    """

    mask: NDArray[np.uint8]
    cost: NDArray[np.float32]
    residual: float | None = None
    attempt: int = 1
    image: bytes | None = None
    gaps: NDArray[np.bool_] | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    layers: Sequence[Layer] = ()
    over: Sample | None = None


Draw = Callable[[Sequence[Request], int], list[Drawn]]
"""Draws a mask for each request; the number of the attempt makes the seeds differ."""


def padded(draw: Draw, batch: int) -> Draw:
    """The same, always asked for ``batch`` masks, of which those too many are thrown away.

    A network's last bits depend on the shape of its batch. With one shape a mask is the same whatever else
    is drawn in its shard.
    """

    def drawn(requests: Sequence[Request], attempt: int) -> list[Drawn]:
        more = [requests[-1]] * (batch - len(requests))
        return draw([*requests, *more], attempt)[: len(requests)]

    return drawn


def error(mask: NDArray[np.uint8], target: NDArray[np.float64]) -> float:
    """Mean absolute error over the named classes in points: mCPE of a single mask."""
    gap = np.abs(np.array(class_ratios(mask, len(target))) - target)
    return float(100 * np.nanmean(gap)) if not np.isnan(gap).all() else 0.0


def best_of(requests: Sequence[Request], draw: Draw, tries: int, tolerance: float) -> list[Drawn]:
    """The best of up to ``tries`` masks per request; a request is done once its error is within tolerance."""
    best: dict[int, tuple[float, Drawn, int]] = {}
    open_ = list(range(len(requests)))
    for attempt in range(tries):
        for i, drawn in zip(open_, draw([requests[i] for i in open_], attempt), strict=True):
            found = error(drawn.mask, requests[i].target)
            if i not in best or found < best[i][0]:
                best[i] = (found, drawn, attempt)
        open_ = [i for i in open_ if best[i][0] > tolerance]
        if not open_:
            break
    return [replace(drawn, attempt=a + 1) for _, drawn, a in (best[i] for i in range(len(requests)))]


def rejection(found: float, limit: float | None) -> list[Reason]:
    """Why a mask of this error (points) is rejected; empty when it is not."""
    if limit is None or found <= limit:
        return []
    return [Reason("class shares", f"class shares are off by {found:.2f} points (allowed {limit:g})")]

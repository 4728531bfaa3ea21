"""Histogram guidance: a bias per class that brings expected class shares to a target."""

import torch
from torch import Tensor

FLOOR = 1e-8
RANGE = 30.0
"""Largest bias, and largest distance between logits that counts."""


def bias(logits: Tensor, weight: Tensor, target: Tensor, known: Tensor, rounds: int = 30) -> Tensor:
    """Bias (B, K) such that the mean class probabilities meet the target where it is known.

    Each round scales the probability of every named class, and of the other classes together, by what is
    missing: iterative proportional fitting (Deming and Stephan 1940; Sinkhorn). The other classes share one
    factor, so their proportions to each other stay those of the generator.

    Args:
        logits: class logits (B, K, H, W).
        weight: weight of each pixel (B, H, W); 0 leaves it out.
        target: shares (B, K) that are wanted, on these pixels; anything where not known.
        known: which classes are bound (B, K).
        rounds: number of rounds.
    """
    if logits.device.type == "cpu" and len(logits) > 1:  # a mask alone stays in the cache: three times faster
        rows = zip(logits.split(1), weight.split(1), target.split(1), known.split(1), strict=True)
        return torch.cat([bias(one, w, t, k, rounds) for one, w, t, k in rows])
    flat, pixels = logits.flatten(2), weight.flatten(1)
    pixels = pixels / pixels.sum(1, keepdim=True).clamp_min(FLOOR)
    wanted = torch.where(known, target, torch.zeros_like(target)).clamp_min(0)
    wanted = wanted / wanted.sum(1, keepdim=True).clamp_min(1)  # more than everything cannot be met
    complete = known.all(1, keepdim=True)
    wanted = torch.where(complete, wanted / wanted.sum(1, keepdim=True).clamp_min(FLOOR), wanted)
    rest = 1 - wanted.sum(1, keepdim=True)
    # With exponentials taken once, a round is two small products; RANGE keeps them finite.
    odds = (flat - flat.amax(1, keepdim=True)).clamp_min(-RANGE).exp()
    found = torch.zeros_like(target)
    for _ in range(rounds):
        factor = found.exp()
        total = torch.einsum("bkn,bk->bn", odds, factor)
        mean = factor * torch.einsum("bkn,bn->bk", odds, pixels / total)
        others = torch.where(known, torch.zeros_like(mean), mean).sum(1, keepdim=True)
        step = torch.where(known, log(wanted) - log(mean), log(rest) - log(others))
        found = (found + step).clamp(-RANGE, RANGE)
    return found


def remaining(target: Tensor, counts: Tensor, total: int) -> Tensor:
    """Shares (B, K) that the pixels not drawn yet must have, for all ``total`` pixels to meet the target.

    Args:
        target: shares (B, K) of the whole mask.
        counts: pixels (B, K) drawn already.
        total: pixels of the mask.
    """
    left = (target * total - counts).clamp_min(0)
    return left / (total - counts.sum(1, keepdim=True)).clamp_min(1)


def log(x: Tensor) -> Tensor:
    """Logarithm that stays finite: a share of nothing becomes a very small one."""
    return x.clamp_min(FLOOR).log()

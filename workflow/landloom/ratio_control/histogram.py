"""Histogram guidance: a bias per class that brings expected class shares to a target."""

import torch
from torch import Tensor

FLOOR = 1e-8
RANGE = 30.0
"""Largest bias, and largest distance between logits that counts."""
NEAR = 1e-4
"""Distance of a share to its target that is near enough."""
FIRST = 3
"""Rounds of scaling before the first of Newton's steps."""
RIDGE = 1e-6
"""Added to the covariance, which has no inverse: a bias that all groups share changes nothing."""


def bias(logits: Tensor, weight: Tensor, target: Tensor, known: Tensor, rounds: int = 30) -> Tensor:
    """Bias (B, K) such that the mean class probabilities meet the target where it is known.

    Every named class has a bias of its own. The other classes share one, so their proportions to each other
    stay those of the generator.

    Args:
        logits: class logits (B, K, H, W).
        weight: weight of each pixel (B, H, W); 0 leaves it out.
        target: shares (B, K) that are wanted, on these pixels; anything where not known.
        known: which classes are bound (B, K).
        rounds: largest number of rounds.
    """
    if logits.device.type == "cpu" and len(logits) > 1:  # a mask alone stays in the cache: three times faster
        rows = zip(logits.split(1), weight.split(1), target.split(1), known.split(1), strict=True)
        return torch.cat([bias(one, w, t, k, rounds) for one, w, t, k in rows])
    flat, pixels = logits.flatten(2), weight.flatten(1)
    pixels = pixels / pixels.sum(1, keepdim=True).clamp_min(FLOOR)
    groups = torch.cat([torch.diag_embed(known), (~known)[:, :, None]], 2).float()
    # With exponentials taken once, a round is three small products; RANGE keeps them finite.
    odds = (flat - flat.amax(1, keepdim=True)).clamp_min(-RANGE).exp()
    found = solved(odds, pixels, groups, group_targets(target, known), rounds)
    return (groups @ found[:, :, None])[:, :, 0]


def group_targets(target: Tensor, known: Tensor) -> Tensor:
    """Shares (B, K + 1) of each named class, and of all others together: they add up to 1."""
    wanted = torch.where(known, target, torch.zeros_like(target)).clamp_min(0)
    wanted = wanted / wanted.sum(1, keepdim=True).clamp_min(1)  # more than everything cannot be met
    complete = known.all(1, keepdim=True)
    wanted = torch.where(complete, wanted / wanted.sum(1, keepdim=True).clamp_min(FLOOR), wanted)
    return torch.cat([wanted, 1 - wanted.sum(1, keepdim=True)], 1)


def solved(odds: Tensor, pixels: Tensor, groups: Tensor, wanted: Tensor, rounds: int) -> Tensor:
    """Bias of each group (B, G).

    The shares are the gradient of a convex function, the mean log of the partition sum, and those wanted are
    its slope at the solution. Two kinds of steps go down there. Scaling each group by what is missing
    (iterative proportional fitting; Deming and Stephan 1940) always does, but slowly where classes hardly
    compete. Newton's step is quick near the end; one that goes up is replaced by a scaling.

    Args:
        odds: exponentials of logits (B, K, N).
        pixels: weights (B, N), which add up to 1.
        groups: which classes share a bias (B, K, G).
        wanted: share of each group (B, G).
        rounds: largest number of rounds.
    """
    held, tried = torch.zeros_like(wanted), torch.zeros_like(wanted)
    value, scaled = torch.full_like(wanted[:, :1], torch.inf), held
    for number in range(rounds):
        factor = (groups @ tried[:, :, None])[:, :, 0].exp()
        total = (factor[:, None] @ odds)[:, 0]
        mean = factor * (odds @ (pixels / total)[:, :, None])[:, :, 0]
        share = (groups.mT @ mean[:, :, None])[:, :, 0]
        new = (pixels * total.log()).sum(1, keepdim=True) - (wanted * tried).sum(1, keepdim=True)
        better = (new <= value) | (number <= FIRST)
        # A mask that is near enough stays as it is, whatever the others of its batch need.
        near = (share - wanted).abs().amax(1, keepdim=True) < NEAR
        held, value = torch.where(better, tried, held), torch.where(better, new, value)
        if bool(near.all()):
            break
        up = (log(wanted) - log(share)).clamp(-RANGE, RANGE)
        scaled = torch.where(better, (tried + up).clamp(-RANGE, RANGE), scaled)
        step = scaled
        if number >= FIRST:
            slope = groups.mT @ covariance(odds * factor[:, :, None], pixels / total.square(), mean) @ groups
            ridge = RIDGE * torch.eye(len(wanted[0]), device=wanted.device)
            newton = torch.linalg.solve(slope + ridge, (wanted - share)[:, :, None])[:, :, 0]
            step = torch.where(better, (tried + newton).clamp(-RANGE, RANGE), scaled)
        tried = torch.where(near, tried, step)
    return held


def covariance(scaled: Tensor, each: Tensor, mean: Tensor) -> Tensor:
    """How the mean share of a class changes with the bias of another (B, K, K).

    Args:
        scaled: odds under their biases (B, K, N).
        each: weight of each pixel over the square of its sum of odds (B, N).
        mean: mean shares (B, K).
    """
    return torch.diag_embed(mean) - (scaled * each[:, None]) @ scaled.mT


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

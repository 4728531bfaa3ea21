"""Sampling masks: pixels become known in order, a few first, then ever more."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from landloom.conditions.mask import one_hot
from landloom.conditions.ratios import encode
from landloom.config.label_sample import LabelSampleConfig
from landloom.mask_diffusion import unmasking_schedule
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.raster.labels import IGNORE
from landloom.ratio_control import histogram
from landloom.runtime import tracing
from landloom.training import precision


@torch.no_grad()
def sample(
    model: MaskDenoiser, ratios: Tensor, known: Tensor, seeds: Sequence[int], config: LabelSampleConfig
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Sample masks (B, H, W) and the class logits (B, K, H, W) each pixel was drawn from.

    Args:
        model: the network.
        ratios: shares (B, K) asked for; anything where not known.
        known: which shares are asked for (B, K).
        seeds: one per mask, so that batching does not change it.
        config: steps, temperature, guidance.
    """
    size, device = model.config.size, next(model.parameters()).device
    ratios, known = ratios.to(device), known.to(device)
    generators = [torch.Generator().manual_seed(s) for s in seeds]
    rank = torch.stack([unmasking_schedule.draw(size, g) for g in generators]).to(device)
    mask = torch.full((len(seeds), size, size), IGNORE, dtype=torch.uint8, device=device)
    drawn_from = torch.zeros(len(seeds), model.config.classes, size, size, device=device)
    condition = encode(ratios, known)
    for heat, hidden, new in plan(rank, config):
        tracing.step()
        shown = torch.where(hidden, torch.full_like(mask, IGNORE), mask)
        half = precision.dtype(config.precision) is torch.bfloat16
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = predict(model, shown, condition, config.vector_guidance) / heat
        if config.control.histogram:
            counts = one_hot(shown, model.config.classes).sum((2, 3))
            # Shown pixels are settled, so what the whole mask lacks must come from the hidden ones.
            wanted = histogram.remaining(ratios, counts, size * size)
            found = histogram.bias(logits, hidden.float(), wanted, known)
            logits = logits + found[:, :, None, None]
        mask = torch.where(new, drawn(logits, new, generators), shown)
        drawn_from = torch.where(new[:, None], logits, drawn_from)
    return mask, drawn_from


def plan(rank: Tensor, config: LabelSampleConfig) -> Iterator[tuple[float, Tensor, Tensor]]:
    """Temperature, hidden pixels and pixels to draw (B, H, W) of each step, for an order (B, H, W).

    First every pixel is drawn once. Then, ``config.refine`` times, all pixels but a quarter of evenly spread
    ones are hidden and drawn again, each time another quarter: a pixel that was drawn too early, and so does
    not fit its neighbours, is corrected (the remasking of Wang et al. 2025, at the last step).
    """
    pixels = rank[0].numel()
    for first, last in pairwise(unmasking_schedule.counts(config.steps, pixels)):
        yield temperature(config.temperature, first, pixels), rank >= first, (rank >= first) & (rank < last)
    for i in range(config.refine):
        hidden = rank * 4 // pixels != i % 4
        yield config.temperature, hidden, hidden


def predict(model: MaskDenoiser, mask: Tensor, condition: Tensor, guidance: float) -> Tensor:
    """Logits (B, K, H, W), with classifier-free guidance (Ho and Salimans 2022) where it is not 1."""
    told = model(mask, condition).float()
    if guidance == 1:
        return told
    # Zeros: nothing is known of any class, as training shows it at the rate of vector.dropout.
    free = model(mask, torch.zeros_like(condition)).float()
    return free + guidance * (told - free)


def temperature(last: float, known: int, pixels: int) -> float:
    """Temperature of a step: 1 while the layout is drawn, down to ``last`` for the final details."""
    done = torch.tensor([known + 1.0, pixels + 1.0]).log()
    return float(1 + (last - 1) * done[0] / done[1])


def drawn(logits: Tensor, new: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Classes (B, H, W), drawn from logits (B, K, H, W) where ``new`` (B, H, W); elsewhere the likeliest."""
    noise = torch.zeros(logits.shape)
    for own, where, generator in zip(noise, new.cpu(), generators, strict=True):
        own[:, where] = gumbel((len(own), int(where.sum())), generator)
    # The largest and its place: torch finds them together many times faster than the place alone.
    return (logits + noise.to(logits.device)).max(1).indices.to(torch.uint8)


def gumbel(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Noise for which the largest sum with logits is a draw from their softmax."""
    uniform = torch.rand(tuple(shape), generator=generator).clamp(1e-9, 1 - 1e-7)
    return -(-uniform.log()).log()

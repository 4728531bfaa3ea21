"""Sampling latents: few-step solvers, classifier-free guidance, one seed a sample."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler
from torch import Tensor

from landloom.conditions.vector import attended
from landloom.config.label_sample import Sampling
from landloom.diffusion.bundle import Bundle
from landloom.diffusion.noise import clean, noised, only_step, shifted

SOLVERS = {"unipc": UniPCMultistepScheduler, "dpm++": DPMSolverMultistepScheduler}
Steering = Callable[[Tensor, int], Tensor]
"""Moves predicted clean latents (B, c, h, w), told the number of the sampling step."""


def noise(seeds: Sequence[int], shape: tuple[int, ...]) -> Tensor:
    """Starting noise (B, *shape), each sample from its own seed, so that batching does not change it."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds])


@torch.no_grad()
def sample(
    bundle: Bundle, text: Tensor, empty: Tensor, seeds: Sequence[int], config: Sampling, side: int,
    residuals: Callable[[Tensor, Tensor, Tensor], dict[str, Any]] | None = None,
    more: Sequence[tuple[float, Tensor]] = (), steer: Steering | None = None, solver: str = "unipc",
    start: Tensor | None = None, strength: float = 1.0,
) -> Tensor:  # fmt: skip
    """Sample latents (B, c, side, side).

    Args:
        bundle: the base, with adapters if any.
        text: embeddings (B, T, D); tokens of zeros are not attended to.
        empty: embedding (T, D) of the empty text.
        seeds: one per sample.
        config: steps and guidance.
        side: latent side.
        residuals: ControlNet residuals for (latents, t, text) as arguments of the denoiser.
        more: further guidance: what is predicted under ``text`` counts that much more, and what is predicted
            under these embeddings (B, T, D) that much less.
        steer: moves predicted clean latents.
        solver: one of SOLVERS.
        start: clean latents (B, c, side, side) to begin with, under noise; pure noise when absent.
        strength: of that noise, as a share of the schedule, of whose steps only that share is taken; 1
            without a start.
    """
    device, dtype = bundle.unet.device, bundle.unet.dtype
    scheduler = SOLVERS[solver].from_config(bundle.scheduler.config)
    scheduler.set_timesteps(config.steps, device=device)
    x = noise(seeds, (bundle.unet.config.in_channels, side, side)).to(device) * scheduler.init_noise_sigma
    skipped = config.steps - taken(config.steps, strength)
    timesteps = scheduler.timesteps[skipped:]
    if config.steps == 1:  # solvers cannot be told where to begin
        timesteps = timesteps.new_tensor([only_step(bundle.scheduler, strength)])
    if start is not None:
        scheduler.set_begin_index(skipped)
        x = noised(bundle.scheduler, start.to(device).float(), x, timesteps[:1].long())
    branches = [(1 - config.guidance, empty.expand_as(text)), *((-w, other) for w, other in more)]
    branches = [(w, other) for w, other in branches if w]
    weights = [*(w for w, _ in branches), 1 - sum(w for w, _ in branches)]
    words = torch.cat([*(other.to(text) for _, other in branches), text]).to(device, dtype)
    seen = attended(words)
    masked = {} if seen.all() else {"encoder_attention_mask": seen}
    for number, t in enumerate(timesteps):
        copies = x.repeat(len(weights), 1, 1, 1).to(dtype)
        extra = masked | (residuals(copies, t, words) if residuals else {})
        parts = bundle.unet(copies, t, words, return_dict=False, **extra)[0].float().chunk(len(weights))
        out = sum((w * part for w, part in zip(weights, parts, strict=True)), torch.zeros_like(x))
        if steer:
            now = t.repeat(len(x)).to(device).long()
            guess = clean(bundle.scheduler, x, now, out)
            out = shifted(bundle.scheduler, now, out, steer(guess, number) - guess)
        if config.steps == 1:
            return clean(bundle.scheduler, x, t.repeat(len(x)).to(device).long(), out)
        x = scheduler.step(out, t, x, return_dict=False)[0]
    return x


def taken(steps: int, strength: float) -> int:
    """Steps that a start of some strength leaves: whole ones, at least one."""
    return max(1, int(steps * strength + 1e-6))


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` that cover ``count``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))

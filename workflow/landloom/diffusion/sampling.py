"""Sampling latents: few-step solvers, classifier-free guidance, one seed a sample."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler
from torch import Tensor

from landloom.config.label_sample import Sampling
from landloom.diffusion.bundle import Bundle

SOLVERS = {"unipc": UniPCMultistepScheduler, "dpm++": DPMSolverMultistepScheduler}
Correction = Callable[[Tensor, Tensor, Tensor, int], Tensor]
"""Changes a prediction: (latents, step t, prediction, number of the step) to a prediction."""


def noise(seeds: Sequence[int], shape: tuple[int, ...]) -> Tensor:
    """Starting noise (B, *shape), each sample from its own seed, so that batching does not change it."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds])


@torch.no_grad()
def sample(
    bundle: Bundle, text: Tensor, empty: Tensor, seeds: Sequence[int], config: Sampling, side: int,
    residuals: Callable[[Tensor, Tensor, Tensor], dict[str, Any]] | None = None,
    solver: str = "unipc", correct: Correction | None = None,
) -> Tensor:  # fmt: skip
    """Sample latents (B, c, side, side).

    Args:
        bundle: the base, with adapters if any.
        text: embeddings (B, T, D).
        empty: embedding (T, D) of the empty text.
        seeds: one per sample.
        config: steps and guidance.
        side: latent side.
        residuals: ControlNet residuals for (latents, t, text) as arguments of the denoiser.
        solver: one of SOLVERS.
        correct: changes each prediction, such as feedback of a segmentation network.
    """
    device, dtype = bundle.unet.device, bundle.unet.dtype
    scheduler = SOLVERS[solver].from_config(bundle.scheduler.config)
    scheduler.set_timesteps(config.steps, device=device)
    x = noise(seeds, (bundle.unet.config.in_channels, side, side)).to(device) * scheduler.init_noise_sigma
    guided = config.guidance > 1
    words = torch.cat([empty.expand_as(text), text]) if guided else text
    words = words.to(device, dtype)
    for number, t in enumerate(scheduler.timesteps):
        doubled = (torch.cat([x, x]) if guided else x).to(dtype)
        extra = residuals(doubled, t, words) if residuals else {}
        out = bundle.unet(doubled, t, words, return_dict=False, **extra)[0].float()
        if guided:
            without, with_text = out.chunk(2)
            out = without + config.guidance * (with_text - without)
        if correct:
            out = correct(x, t, out, number)
        x = scheduler.step(out, t, x, return_dict=False)[0]
    return x


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` that cover ``count``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))

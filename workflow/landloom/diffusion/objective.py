"""The training objective of every denoiser: base (all weights), LoRA (masks) and ControlNet (images)."""

from collections.abc import Mapping
from typing import Protocol

import torch
from diffusers import DDPMScheduler
from torch import Tensor, nn

from landloom.conditions.group import Given
from landloom.data.symmetry import turn_each
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.noise import add_noise, alpha_bar, clean, snr_weights, weighted_mse
from landloom.raster.labels import IGNORE


class Proportion(Protocol):
    """The proportion-aware term."""

    def __call__(self, latents: Tensor, target: Tensor, signal: Tensor, valid: Tensor) -> Tensor:
        """Loss of predicted clean latents (B, c, h, w) against ratios (B, K), signal share (B,).

        ``valid`` (B, 1, H, W) is 1 for pixels with a class, of which the ratios are.
        """
        ...


class DenoisingObjective:
    """Denoise latents under conditions; whatever of the denoiser requires gradients learns.

    ``L = L_ldm + weight * w(t) * d(p_hat, p)`` (Xu et al. 2025); ``proportion`` is optional.

    Args:
        module: the denoiser with its conditions.
        scheduler: noise schedule and prediction type.
        latents: (N, A, c, h, w), A turned variants of each picture.
        columns: what conditions read (N, ...), such as ``LatentCache.columns``; masks are not turned.
        min_snr: gamma of the loss weights, 0 for none.
        proportion: the proportion-aware term, which reads the columns ``ratios`` and ``mask``.
        weight: its weight.
    """

    def __init__(
        self, module: Denoiser, scheduler: DDPMScheduler, latents: Tensor, columns: Mapping[str, Tensor],
        min_snr: float, proportion: Proportion | None = None, weight: float = 0.0,
    ) -> None:  # fmt: skip
        self.conditions = module.conditions
        self.module: nn.Module = module
        self.scheduler, self.latents, self.columns, self.size = scheduler, latents, columns, len(latents)
        self.min_snr, self.proportion, self.weight = min_snr, proportion, weight

    def drawn(self, index: Tensor) -> tuple[Tensor, Given, dict[str, Tensor]]:
        """Latents (B, c, h, w), conditions and turned columns of the samples.

        The order of random draws is part of the result: variants, conditions, and later steps and noise.
        """
        rows, device = index.cpu(), index.device
        variants = torch.randint(0, self.latents.shape[1], (len(rows),))
        latents = self.latents[rows, variants].float().to(device)
        columns = {name: column[rows] for name, column in self.columns.items()}
        given = self.conditions.practised(columns, variants)
        if "mask" in columns:
            columns["mask"] = turn_each(columns["mask"], variants)
        return latents, {n: raw.to(device) for n, raw in given.items()}, columns

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Weighted error of the prediction, plus the proportion-aware term."""
        latents, given, columns = self.drawn(index)
        noisy, t, target = add_noise(self.scheduler, latents)
        prediction = module(noisy, t, given)
        ldm = weighted_mse(prediction, target, snr_weights(self.scheduler, t, self.min_snr))
        if self.proportion is None:
            return {"loss": ldm}
        guess = clean(self.scheduler, noisy, t, prediction.float())
        signal = alpha_bar(self.scheduler, t).flatten()
        valid = (columns["mask"] != IGNORE)[:, None].float().to(index.device)
        term = self.proportion(guess, columns["ratios"].to(index.device), signal, valid)
        return {"loss": ldm + self.weight * term, "ldm": ldm.detach(), "proportion": term.detach()}

"""The training objective of every denoiser: base (all weights), LoRA (masks) and ControlNet (images)."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from landloom.conditions.group import Given
from landloom.data.symmetry import turn_each
from landloom.data.tensor_rows import Gathered, Rows, announce
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.noise import add_noise, alpha_bar, clean, snr_weights, weighted_mse
from landloom.models.families.base import Schedule
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

    divisible = True

    def __init__(
        self, module: Denoiser, scheduler: Schedule, latents: Rows, columns: Mapping[str, Rows],
        min_snr: float, proportion: Proportion | None = None, weight: float = 0.0,
    ) -> None:  # fmt: skip
        self.conditions = module.conditions
        self.module: nn.Module = module
        self.scheduler, self.latents, self.columns, self.size = scheduler, latents, columns, len(latents)
        self.min_snr, self.proportion, self.weight = min_snr, proportion, weight
        self.read: set[str] = set()

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to read what the next step needs: its variants, and the columns that the last one read."""
        announce(self.latents, (index, self._variants(len(index), draws)))
        for name in self.read:
            announce(self.columns[name], index)
        self.conditions.announce(Gathered(self.columns, index))

    def drawn(self, index: Tensor) -> tuple[Tensor, Given, dict[str, Tensor]]:
        """Latents (B, c, h, w), conditions, and what the proportion-aware term reads, turned, of the samples.

        The order of random draws is part of the result: variants, conditions, and later steps and noise.
        """
        # Rows are gathered where they lie, on the CPU or on disk: only a batch of them fits on the device.
        rows, device = index.cpu(), index.device
        variants = self._variants(len(rows))
        latents = self.latents[rows, variants].float().to(device)
        columns = Gathered(self.columns, rows)
        given = self.conditions.practised(columns, variants)
        seen: dict[str, Tensor] = {}
        if self.proportion is not None:
            seen = {"ratios": columns["ratios"], "mask": turn_each(columns["mask"], variants)}
        self.read = set(columns.found)
        return latents, {n: raw.to(device) for n, raw in given.items()}, seen

    def _variants(self, count: int, draws: torch.Generator | None = None) -> Tensor:
        """Variants (B,): the first random numbers of a step."""
        return torch.randint(0, self.latents.shape[1], (count,), generator=draws)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Weighted error of the prediction, plus the proportion-aware term."""
        return self.part(module, self.batch(index))

    def batch(self, index: Tensor) -> Any:
        """All that the loss of some samples reads, with noise and steps drawn."""
        latents, given, columns = self.drawn(index)
        noisy, t, target = add_noise(self.scheduler, latents)
        return noisy, t, target, given, columns

    def part(self, module: nn.Module, batch: Any) -> Mapping[str, Tensor]:
        """The loss of some samples; it is a mean over them."""
        noisy, t, target, given, columns = batch
        prediction = module(noisy, t, given)
        ldm = weighted_mse(prediction, target, snr_weights(self.scheduler, t, self.min_snr))
        if self.proportion is None:
            return {"loss": ldm}
        guess = clean(self.scheduler, noisy, t, prediction.float())
        # Where hardly any signal is left the clean latents are a guess, and so are their class shares.
        signal = alpha_bar(self.scheduler, t).flatten()
        valid = (columns["mask"] != IGNORE)[:, None].float().to(t.device)
        term = self.proportion(guess, columns["ratios"].to(t.device), signal, valid)
        return {"loss": ldm + self.weight * term, "ldm": ldm.detach(), "proportion": term.detach()}

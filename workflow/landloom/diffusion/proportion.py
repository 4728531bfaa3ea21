"""Class proportions of a predicted clean latent, and the loss on them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from landloom.conditions.mask import fractions
from landloom.config.label_train import ProportionLoss
from landloom.diffusion.symmetry import turn_each


class LatentProbe(nn.Module):
    """Class shares per latent cell, read from mask latents by a few convolutions."""

    def __init__(self, latent: int, classes: int, width: int = 48) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(latent, width, 3, padding=1), nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, classes, 1),
        )  # fmt: skip

    def forward(self, latents: Tensor) -> Tensor:
        """Class logits (B, K, h, w) of latents (B, c, h, w)."""
        return torch.as_tensor(self.layers(latents))

    def proportions(self, latents: Tensor) -> Tensor:
        """Class proportions (B, K)."""
        return self(latents).softmax(1).mean((2, 3))


class ProbeObjective:
    """Fits the probe to class shares per cell of real masks.

    Args:
        probe: the probe.
        latents: mask latents (N, A, c, h, w).
        labels: class indices (N, H, W).
        classes: number of classes.
    """

    def __init__(self, probe: LatentProbe, latents: Tensor, labels: Tensor, classes: int) -> None:
        self.module: nn.Module = probe
        self.latents, self.labels, self.classes, self.size = latents, labels, classes, len(labels)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Cross-entropy against class shares, on cells that have a class."""
        rows = index.cpu()
        variants = torch.randint(0, self.latents.shape[1], (len(rows),))
        latents = self.latents[rows, variants].float().to(index.device)
        labels = turn_each(self.labels[rows], variants).to(index.device)
        target, known = fractions(labels, self.classes, (latents.shape[-2], latents.shape[-1]))
        log = functional.log_softmax(module(latents), 1)
        return {"loss": -(target * log * known).sum() / known.sum().clamp_min(1)}


def decoded(
    decode: Callable[[Tensor], Tensor], palette: Tensor, temperature: float
) -> Callable[[Tensor], Tensor]:
    """Proportions (B, K) by the frozen decoder: soft assignment of pixels to palette colours (K, C)."""

    def proportions(latents: Tensor) -> Tensor:
        picture = decode(latents)
        square = (picture[:, None] - palette.to(picture)[None, :, :, None, None]).square().sum(2)
        return torch.as_tensor((-square / temperature).softmax(1).mean((2, 3)))

    return proportions


def distance(guess: Tensor, target: Tensor, kind: str) -> Tensor:
    """Distance (B,) between proportions (B, K): L1, squared error, or KL(target || guess)."""
    if kind == "l1":
        return (guess - target).abs().sum(1)
    if kind == "mse":
        return (guess - target).square().sum(1)
    return (target * (target.clamp_min(1e-6).log() - guess.clamp_min(1e-6).log())).sum(1)


class ProportionTerm:
    """``w(t) * d(p_hat, p)``, averaged over the batch."""

    def __init__(self, proportions: Callable[[Tensor], Tensor], config: ProportionLoss) -> None:
        self.proportions, self.config = proportions, config

    def __call__(self, latents: Tensor, target: Tensor, signal: Tensor) -> Tensor:
        """Term for predicted clean latents (B, c, h, w), ratios (B, K) and signal shares (B,)."""
        weight = signal if self.config.timesteps == "alpha_bar" else torch.ones_like(signal)
        return (weight * distance(self.proportions(latents), target, self.config.distance)).mean()

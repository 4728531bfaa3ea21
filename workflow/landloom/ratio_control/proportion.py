"""Class proportions of a predicted clean latent, and the loss on them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from landloom.conditions.mask import fractions
from landloom.config.label_train import ProportionLoss
from landloom.data.symmetry import turn_each
from landloom.data.tensor_rows import Rows, announce

TEMPERATURE = 0.08
"""Of the softmax over squared distances to palette colours; those are corners of a cube of side 2."""


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

    def proportions(self, latents: Tensor, valid: Tensor | None = None) -> Tensor:
        """Class proportions (B, K); see ``mean_over`` for ``valid``."""
        return mean_over(self(latents).softmax(1), valid)


def mean_over(shares: Tensor, valid: Tensor | None) -> Tensor:
    """Mean (B, K) of class shares (B, K, h, w) per cell.

    Args:
        shares: of pixels or of latent cells.
        valid: 1 for pixels that count, (B, 1, H, W), 0 for others; a cell weighs by its share of them. All
            count alike when it is None. Without one the mean is 0, as the ratios of such a mask are.
    """
    if valid is None:
        return shares.mean((2, 3))
    weight = functional.adaptive_avg_pool2d(valid.to(shares), (shares.shape[-2], shares.shape[-1]))
    return (shares * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-6)


class ProbeObjective:
    """Fits the probe to class shares per cell of real masks.

    Args:
        probe: the probe.
        latents: mask latents (N, A, c, h, w).
        labels: class indices (N, H, W).
        classes: number of classes.
    """

    def __init__(self, probe: LatentProbe, latents: Rows, labels: Rows, classes: int) -> None:
        self.module: nn.Module = probe
        self.latents, self.labels, self.classes, self.size = latents, labels, classes, len(labels)

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to read what the next step needs."""
        announce(self.latents, (index, self._variants(len(index), draws)))
        announce(self.labels, index)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Cross-entropy against class shares, on cells that have a class."""
        rows = index.cpu()
        variants = self._variants(len(rows))
        latents = self.latents[rows, variants].float().to(index.device)
        labels = turn_each(self.labels[rows], variants).to(index.device)
        target, known = fractions(labels, self.classes, (latents.shape[-2], latents.shape[-1]))
        log = functional.log_softmax(module(latents), 1)
        return {"loss": -(target * log * known).sum() / known.sum().clamp_min(1)}

    def _variants(self, count: int, draws: torch.Generator | None = None) -> Tensor:
        """Variants (B,): the first random numbers of a step."""
        return torch.randint(0, self.latents.shape[1], (count,), generator=draws)


Proportions = Callable[[Tensor, Tensor | None], Tensor]
"""Class proportions (B, K) of latents (B, c, h, w) over valid pixels (B, 1, H, W)."""


def decoded(
    decode: Callable[[Tensor], Tensor], palette: Tensor, temperature: float = TEMPERATURE
) -> Proportions:
    """Proportions by the frozen decoder: soft assignment of pixels to palette colours (K, C)."""

    def proportions(latents: Tensor, valid: Tensor | None) -> Tensor:
        picture = decode(latents)
        square = (picture[:, None] - palette.to(picture)[None, :, :, None, None]).square().sum(2)
        return mean_over((-square / temperature).softmax(1), valid)

    return proportions


def distance(guess: Tensor, target: Tensor, kind: str) -> Tensor:
    """Distance (B,) between proportions (B, K): L1, squared error, or KL(target || guess)."""
    if kind == "l1":
        return (guess - target).abs().sum(1)
    if kind == "mse":
        return (guess - target).square().sum(1)
    return (target * (target.clamp_min(1e-6).log() - guess.clamp_min(1e-6).log())).sum(1)


class ProportionTerm:
    """``w(t) * d(p_hat, p)``, averaged over the batch; both shares are those of pixels with a class."""

    def __init__(self, proportions: Proportions, config: ProportionLoss) -> None:
        self.proportions, self.config = proportions, config

    def __call__(
        self, latents: Tensor, target: Tensor, signal: Tensor, valid: Tensor | None = None
    ) -> Tensor:
        """Term for predicted clean latents (B, c, h, w), ratios (B, K) and signal shares (B,).

        ``valid`` (B, 1, H, W) is 1 for pixels with a class.
        """
        weight = signal if self.config.timesteps == "alpha_bar" else torch.ones_like(signal)
        return (weight * distance(self.proportions(latents, valid), target, self.config.distance)).mean()

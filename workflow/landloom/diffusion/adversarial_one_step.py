"""Training a ControlNet to make an image in one step, against a discriminator of latents.

Denoising needs many samples before it shows textures; a discriminator asks for them from the start. As in
latent adversarial diffusion distillation (Sauer et al. 2024) and pix2pix-turbo (Parmar et al. 2024), the loss
is on what the denoiser makes of pure noise; paired tiles stand in for a teacher. With a ``strength`` below 1
it is on what it makes of tiles under some noise: that is practice for collages under the same noise.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.conditions.group import Given
from landloom.config.image_train import OneStepConfig
from landloom.data.tensor_rows import Rows
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.noise import clean, noised, only_step
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import InputError
from landloom.gan.networks import discriminator
from landloom.gan.pix2pix import duel
from landloom.models.families.base import Schedule


class OneStep(nn.Module):
    """Denoiser and discriminator in one forward pass; see ``pix2pix.Players`` on who learns what.

    Args:
        denoiser: the ControlNet with its base.
        judge: discriminator of latents with all hints, such as class shares, shrunk to latent cells.
        scheduler: the base's schedule.
        strength: share of the schedule from which the step is made.
    """

    def __init__(self, denoiser: Denoiser, judge: nn.Module, scheduler: Schedule, strength: float) -> None:
        super().__init__()
        self.denoiser, self.judge, self.scheduler, self.strength = denoiser, judge, scheduler, strength

    def forward(self, noise: Tensor, given: Given, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """L1, adversarial and discriminator's loss of noise and latents (B, c, h, w) as told."""
        t = torch.full((len(real),), only_step(self.scheduler, self.strength), device=real.device)
        # As the sampler does it: no signal at 1, though Stable Diffusion's schedule would leave some.
        noisy = noise if self.strength == 1 else noised(self.scheduler, real, noise, t)
        made = clean(self.scheduler, noisy, t, self.denoiser(noisy, t, given).float())
        # What is learned for a hint serves the images alone: neither player may bend what the judge sees.
        hints = torch.cat(self.denoiser.entering("hint", given, real.dtype), 1).detach()
        shares = F.adaptive_avg_pool2d(hints, (real.shape[-2], real.shape[-1]))
        return duel(self.judge, shares, real, made)


class OneStepObjective(DenoisingObjective):
    """Make image latents of one-hot masks and captions in one step.

    Args:
        module: ControlNet and base.
        scheduler: the base's schedule.
        latents: (N, A, c, h, w).
        columns: what conditions read.
        config: discriminator, weight of L1 and strength.

    Raises:
        InputError: the latents are too small for the discriminator.

    Attributes:
        betas: of AdamW, as for Pix2Pix.
        divisible: no, the discriminator's batch norm sees all samples of a step together.
    """

    betas = (0.5, 0.999)
    divisible = False

    def __init__(
        self, module: Denoiser, scheduler: Schedule, latents: Rows, columns: Mapping[str, Rows],
        config: OneStepConfig,
    ) -> None:  # fmt: skip
        super().__init__(module, scheduler, latents, columns, min_snr=0)
        assert module.controlnet is not None
        self.config, side = config, latents.shape[-1]
        if side < config.smallest:
            found = f"{config.layers} layers need latents of {config.smallest}, those of this base are {side}"
            raise InputError("image_train.one_step.layers", f"{found} wide", "Lower it, or raise tile.size")
        hints = sum(len(c.channels) for c in module.conditions.hints)
        judge = discriminator(hints + int(module.network.config.in_channels), config.width, config.layers)
        self.players = (module, judge)
        self.module = OneStep(module, judge, scheduler, config.strength)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Both players' losses over the weight of L1: Adam does not mind a factor, clipping does."""
        latents, given, _ = self.drawn(index)
        l1, adversarial, against = module(torch.randn_like(latents), given, latents)
        total = l1 + (adversarial + against) / self.config.l1
        return {
            "loss": total, "l1": l1.detach(), "adversarial": adversarial.detach(),
            "discriminator": against.detach(),
        }  # fmt: skip

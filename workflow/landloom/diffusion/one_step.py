"""Training a ControlNet to make an image in one step, against a discriminator of latents.

Denoising needs many samples before it shows textures; a discriminator asks for them from the start. As in
latent adversarial diffusion distillation (Sauer et al. 2024) and pix2pix-turbo (Parmar et al. 2024), the loss
is on what the denoiser makes of pure noise; paired tiles stand in for a teacher. With a ``strength`` below 1
it is on what it makes of tiles under some noise: that is practice for collages under the same noise.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, DDPMScheduler
from torch import Tensor, nn

from landloom.config.image_train import ImageTrainConfig
from landloom.diffusion.bundle import Bundle
from landloom.diffusion.cache import LatentCache
from landloom.diffusion.denoising import ImageObjective
from landloom.diffusion.noise import clean, noised, only_step
from landloom.errors import InputError
from landloom.translation.generator import discriminator
from landloom.translation.pix2pix import duel


class OneStep(nn.Module):
    """ControlNet, base and discriminator in one forward pass; see ``pix2pix.Players`` on who learns what.

    Args:
        denoiser: the ControlNet with its base.
        judge: discriminator of class shares per latent cell with latents.
        scheduler: the base's schedule.
        strength: share of the schedule from which the step is made.
    """

    def __init__(
        self, denoiser: nn.Module, judge: nn.Module, scheduler: DDPMScheduler, strength: float
    ) -> None:
        super().__init__()
        self.denoiser, self.judge, self.scheduler, self.strength = denoiser, judge, scheduler, strength

    def forward(
        self, noise: Tensor, text: Tensor, hint: Tensor, real: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """L1, adversarial and discriminator's loss of noise and latents (B, c, h, w) of the same masks."""
        t = torch.full((len(real),), only_step(self.scheduler, self.strength), device=real.device)
        # As the sampler does it: no signal at 1, though Stable Diffusion's schedule would leave some.
        noisy = noise if self.strength == 1 else noised(self.scheduler, real, noise, t)
        made = clean(self.scheduler, noisy, t, self.denoiser(noisy, t, text, hint).float())
        shares = F.adaptive_avg_pool2d(hint, (real.shape[-2], real.shape[-1]))
        return duel(self.judge, shares, real, made)


class OneStepObjective(ImageObjective):
    """Make image latents of one-hot masks and captions in one step.

    Raises:
        InputError: the latents are too small for the discriminator.

    Attributes:
        betas: of AdamW, as for Pix2Pix.
    """

    betas = (0.5, 0.999)

    def __init__(
        self, controlnet: ControlNetModel, bundle: Bundle, cache: LatentCache, classes: int,
        config: ImageTrainConfig,
    ) -> None:  # fmt: skip
        super().__init__(controlnet, bundle, cache, classes, config)
        own, side = config.one_step, cache.images.shape[-1]
        if side < own.smallest:
            found = f"{own.layers} layers need latents of {own.smallest}, those of this base are {side} wide"
            raise InputError("image_train.one_step.layers", found, "Lower it, or raise tile.size")
        judge = discriminator(classes + int(bundle.unet.config.in_channels), own.width, own.layers)
        self.players = (self.module, judge)
        self.module = OneStep(self.module, judge, bundle.scheduler, own.strength)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Both players' losses over the weight of L1: Adam does not mind a factor, clipping does."""
        latents, hint, text = self.drawn(index)
        l1, adversarial, against = module(torch.randn_like(latents), text, hint, latents)
        total = l1 + (adversarial + against) / self.config.one_step.l1
        return {
            "loss": total, "l1": l1.detach(), "adversarial": adversarial.detach(),
            "discriminator": against.detach(),
        }  # fmt: skip

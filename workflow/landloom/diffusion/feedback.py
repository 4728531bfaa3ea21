"""Feedback of a segmentation network while sampling: the image is pushed to where its mask is seen.

In early steps, the judge looks at the predicted clean image. The gradient of its cross-entropy, on pixels
that it does not yet see as the mask says, moves the predicted clean latent by a bounded length. After the
idea of rectifying a diffusion trajectory by a segmenter's critical regions (TODSynth, 2025); bound and
normalisation are ours.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.config.image_sample import Feedback
from landloom.models.families.base import Bundle
from landloom.raster.labels import IGNORE


class JudgeFeedback:
    """Moves predicted clean latents towards the masks of one batch.

    Args:
        bundle: decoder and schedule.
        judge: images (B, C, H, W) in [-1, 1] to class logits (B, K, H, W).
        masks: class indices (B, H, W).
        config: strength and share of the steps.
        steps: sampling steps in all.
    """

    def __init__(self, bundle: Bundle, judge: nn.Module, masks: Tensor, config: Feedback, steps: int) -> None:
        self.bundle, self.judge, self.masks = bundle, judge, masks.long()
        self.weight, self.last = config.weight, math.ceil(config.share * steps)

    def __call__(self, latents: Tensor, number: int) -> Tensor:
        """Predicted clean latents (B, c, h, w), moved in the early steps."""
        return latents + self.move(latents) if number < self.last else latents

    def move(self, latents: Tensor) -> Tensor:
        """Step (B, c, h, w) down the judge's loss; as long as ``weight`` times the latent, or zero.

        One sample at a time: the decoder's activations of a whole batch would not fit at 512 px.
        """
        pairs = zip(latents.detach().split(1), self.masks.split(1), strict=True)
        gradient = torch.cat([self._gradient(latent, mask) for latent, mask in pairs])
        length, size = (g.flatten(1).norm(dim=1).view(-1, 1, 1, 1) for g in (gradient, latents.detach()))
        return -self.weight * size * gradient / length.clamp_min(1e-12)

    @torch.enable_grad()
    def _gradient(self, latent: Tensor, mask: Tensor) -> Tensor:
        """Gradient (1, c, h, w) of the judge's loss on pixels that it sees otherwise than the mask."""
        latent = latent.requires_grad_(True)
        logits = self.judge(self.bundle.decode(latent.to(self.bundle.vae.dtype)).float().clamp(-1, 1))
        wrong = (logits.argmax(1) != mask) & (mask != IGNORE)
        loss = F.cross_entropy(logits, mask, ignore_index=IGNORE, reduction="none")
        (gradient,) = torch.autograd.grad((loss * wrong).sum(), latent)
        return gradient

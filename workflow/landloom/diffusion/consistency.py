"""Images that agree with their coarse ones while sampling: the predicted clean image is projected back."""

import torch
import torch.nn.functional as F
from torch import Tensor

from landloom.models.families.base import Bundle


class CoarseConsistency:
    """Moves predicted clean latents towards images whose blocks have the means of coarse ones.

    Back-projection (Irani and Peleg 1991) in pixels, brought to latents as the difference that it makes
    there, so that what the autoencoder itself changes is left out.

    Args:
        bundle: autoencoder.
        told: means of blocks in [-1, 1] and the share of each that is known (B, C + 1, h, w).
        weight: share of the way, 0 to 1.
    """

    def __init__(self, bundle: Bundle, told: Tensor, weight: float) -> None:
        self.bundle, self.means, self.known, self.weight = bundle, told[:, :-1], told[:, -1:] >= 1, weight

    def __call__(self, latents: Tensor, number: int) -> Tensor:
        """Predicted clean latents (B, c, h, w), moved."""
        pairs = zip(latents.split(1), self.means.split(1), self.known.split(1), strict=True)
        return torch.cat([self._moved(*pair) for pair in pairs])

    @torch.no_grad()
    def _moved(self, latents: Tensor, means: Tensor, known: Tensor) -> Tensor:
        image = self.bundle.decode(latents.to(self.bundle.vae.dtype)).float()
        factor = image.shape[-1] // means.shape[-1]
        lacks = (means - F.avg_pool2d(image, factor)) * known
        moved = image + F.interpolate(lacks, scale_factor=factor, mode="nearest")
        difference = self.bundle.encode(moved).float() - self.bundle.encode(image).float()
        return latents + self.weight * difference.to(latents.dtype)

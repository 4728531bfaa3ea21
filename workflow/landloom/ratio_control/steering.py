"""Ratio guidance in latent space: the predicted clean latent moves towards the class shares asked for."""

import torch
from torch import Tensor

from landloom.ratio_control.proportion import LatentProbe

STEPS = 3
"""Gradient steps per sampling step."""


class ProbeSteering:
    """Gradient steps on the L1 distance of class shares, as a frozen latent probe reads them.

    Only the probe is differentiated, not the denoiser, so that a step costs little more than without.

    Args:
        probe: the probe of ``label_train``.
        target: shares (B, K), NaN where a class is left open and does not count.
        scale: length of a step; the gradient of a latent cell is of the order of one.
        steps: gradient steps per sampling step.
    """

    def __init__(self, probe: LatentProbe, target: Tensor, scale: float, steps: int = STEPS) -> None:
        self.probe, self.known = probe, ~target.isnan()
        self.target, self.scale, self.steps = target.nan_to_num(), scale, steps

    def __call__(self, latents: Tensor, number: int) -> Tensor:
        """Predicted clean latents (B, c, h, w) with class shares nearer to the target."""
        found, cells = latents.detach().float(), latents[0, 0].numel()
        for _ in range(self.steps):
            with torch.enable_grad():
                found = found.requires_grad_(True)
                gap = (self.probe.proportions(found) - self.target).abs() * self.known
                (gradient,) = torch.autograd.grad(gap.sum(), found)
            found = (found - self.scale * cells * gradient).detach()
        return found

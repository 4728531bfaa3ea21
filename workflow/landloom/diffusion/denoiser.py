"""One denoiser for all conditions: the base's U-Net, what is trained for each condition, and a ControlNet."""

from collections.abc import Mapping

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn

from landloom.conditions.base import Door
from landloom.conditions.group import Conditions


class Denoiser(nn.Module):
    """U-Net, ControlNet and modules of conditions in one forward pass, so that any of them learn together.

    Args:
        unet: of the base, with adapters if any.
        conditions: what it is told.
        controlnet: takes the hints; needed if there are any.
        strength: factor on the ControlNet's residuals.
    """

    def __init__(
        self, unet: UNet2DConditionModel, conditions: Conditions, controlnet: ControlNetModel | None = None,
        strength: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.controlnet, self.unet, self.strength = controlnet, unet, strength
        self.conditions = conditions
        self.parts = nn.ModuleDict({c.name: c.module for c in conditions if c.module is not None})

    def forward(self, x: Tensor, t: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """Prediction (B, c, h, w) for noisy latents, steps (B,) or one, and raw conditions by name."""
        tokens = self.entering("tokens", given, x.dtype)
        words, extra = torch.cat(tokens, 1), {}
        if len(tokens) > 1:  # being zero would not take a token's weight away
            extra["encoder_attention_mask"] = attended(words)
        if hints := self.entering("hint", given, x.dtype):
            assert self.controlnet is not None
            # The ControlNet has no mask for tokens, so it gets those alone that are always told: words.
            down, middle = self.controlnet(
                x, t, tokens[0], controlnet_cond=torch.cat(hints, 1), conditioning_scale=self.strength,
                return_dict=False,
            )  # fmt: skip
            extra |= {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        return torch.as_tensor(self.unet(x, t, words, return_dict=False, **extra)[0])

    def entering(self, door: Door, given: Mapping[str, Tensor], dtype: torch.dtype) -> list[Tensor]:
        """What enters through a door, in the order of the conditions."""
        names = [c.name for c in self.conditions if c.door == door]
        return [(self.parts[n](given[n]) if n in self.parts else given[n]).to(dtype) for n in names]


def attended(words: Tensor) -> Tensor:
    """Which tokens (B, T, D) cross-attention may look at (B, T): all but those of zeros."""
    return (words != 0).any(2)

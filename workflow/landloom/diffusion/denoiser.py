"""One denoiser for all conditions: the base's U-Net, what is trained for each condition, and a ControlNet."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import cast

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
        stems: of the hints behind the first one (``controlnet.stems``), by name.
    """

    def __init__(
        self, unet: UNet2DConditionModel, conditions: Conditions, controlnet: ControlNetModel | None = None,
        strength: float = 1.0, stems: nn.ModuleDict | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.controlnet, self.unet, self.strength = controlnet, unet, strength
        self.conditions, self.stems = conditions, stems or nn.ModuleDict()
        self.parts = nn.ModuleDict({c.name: c.module for c in conditions if c.module is not None})

    def forward(self, x: Tensor, t: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """Prediction (B, c, h, w) for noisy latents, steps (B,) or one, and raw conditions by name."""
        networks = [n for n in (self.unet, self.controlnet) if n is not None]
        with beside_time(networks, self.entering("embedding", given, x.dtype)):
            return self._predicted(x, t, given)

    def _predicted(self, x: Tensor, t: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        tokens = self.entering("tokens", given, x.dtype)
        words, extra = torch.cat(tokens, 1), {}
        if len(tokens) > 1:  # being zero would not take a token's weight away
            extra["encoder_attention_mask"] = attended(words)
        if hints := self.entering("hint", given, x.dtype):
            assert self.controlnet is not None
            beside = [
                self.stems[c.name](h) for c, h in zip(self.conditions.hints[1:], hints[1:], strict=True)
            ]
            # The ControlNet has no mask for tokens, so it gets those alone that are always told: words.
            with added([self.controlnet.controlnet_cond_embedding], beside):
                down, middle = self.controlnet(
                    x, t, tokens[0], controlnet_cond=hints[0], conditioning_scale=self.strength,
                    return_dict=False,
                )  # fmt: skip
            extra |= {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        return torch.as_tensor(self.unet(x, t, words, return_dict=False, **extra)[0])

    def entering(self, door: Door, given: Mapping[str, Tensor], dtype: torch.dtype) -> list[Tensor]:
        """What enters through a door, in the order of the conditions."""
        names = [c.name for c in self.conditions if c.door == door]
        return [(self.parts[n](given[n]) if n in self.parts else given[n]).to(dtype) for n in names]


def beside_time(networks: Sequence[nn.Module], embeddings: Sequence[Tensor]) -> AbstractContextManager[None]:
    """Add embeddings (B, D) to that of the time while networks of diffusers are called.

    Behind its two layers, so that any U-Net has this door. With class or time conditions in the network's own
    settings, stock pipelines could not load it.
    """
    return added([cast(nn.Module, network.time_embedding) for network in networks], embeddings)


@contextmanager
def added(layers: Sequence[nn.Module], tensors: Sequence[Tensor]) -> Iterator[None]:
    """Add tensors to what layers of a network answer, while the network is called.

    A hook leaves no trace in a network: what is saved is what stock pipelines load.
    """
    with ExitStack() as stack:
        if tensors:
            more = torch.stack([*tensors]).sum(0)
            for layer in layers:
                hook = layer.register_forward_hook(lambda _, __, out: out + more.to(out))
                stack.callback(hook.remove)
        yield


def attended(words: Tensor) -> Tensor:
    """Which tokens (B, T, D) cross-attention may look at (B, T): all but those of zeros."""
    return (words != 0).any(2)

"""One denoiser for all conditions: a base, what is trained for each condition, and a ControlNet."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landloom.conditions.base import Door
from landloom.conditions.group import Conditions
from landloom.models.families.base import Bundle, Control, unpack


class Denoiser(nn.Module):
    """Network, ControlNet and modules of conditions in one forward pass, so that any of them learn together.

    Args:
        model: the base, its network with adapters if any.
        conditions: what it is told.
        controlnet: takes the hints; needed if there are any.
        strength: factor on the ControlNet's residuals.
        stems: of the hints behind the first one (``controlnet.stems``), by name.
    """

    def __init__(
        self, model: Bundle, conditions: Conditions, controlnet: Control | None = None,
        strength: float = 1.0, stems: nn.ModuleDict | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.model, self.strength = model, strength
        self.controlnet, self.network = controlnet, model.network
        self.conditions, self.stems = conditions, stems or nn.ModuleDict()
        self.parts = nn.ModuleDict({c.name: c.module for c in conditions if c.module is not None})

    def forward(self, x: Tensor, t: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """Prediction (B, c, h, w) for noisy latents, steps (B,) or one, and raw conditions by name."""
        return self.predicted(x, t, self.enter(given, x.dtype))

    def enter(self, given: Mapping[str, Tensor], dtype: torch.dtype) -> "Entered":
        """All of raw conditions (B, ...) that does not depend on latents and steps."""
        packed, *more = self.entering("tokens", given, dtype)
        others = [c for c in self.conditions if c.door == "tokens"][1:]
        lasting = [x for c, x in zip(others, more, strict=True) if not c.vanishes]
        words, pooled = unpack(packed, self.model.pooled)
        tokens, hint, beside = torch.cat([words, *more], 1), None, []
        if hints := self.entering("hint", given, dtype):
            assert self.controlnet is not None
            hint, further = self.model.hinted(self.controlnet, hints[0]), self.conditions.hints[1:]
            beside = [self.stems[c.name](h) for c, h in zip(further, hints[1:], strict=True)]
        # Being zero would not take a token's weight away.
        mask = attended(tokens) if len(lasting) < len(more) else None
        heard = torch.cat([words, *lasting], 1)
        return Entered(heard, tokens, pooled, mask, self.entering("embedding", given, dtype), hint, beside)

    def predicted(self, x: Tensor, t: Tensor, told: "Entered") -> Tensor:
        """Prediction (B, c, h, w) under conditions that have entered."""
        clocks = [self.model.clock(n) for n in (self.network, self.controlnet) if n is not None]
        with added(clocks, told.embeddings):
            residuals = {} if told.hint is None else self._residuals(x, t, told, told.hint)
            return self.model.predict(x, t, told.tokens, told.pooled, told.mask, residuals)

    def _residuals(self, x: Tensor, t: Tensor, told: "Entered", hint: Tensor) -> dict[str, Any]:
        # The ControlNet has no mask for tokens, so it gets those alone that never vanish.
        with added([self.model.entrance(self.controlnet)], told.beside):
            return self.model.residuals(self.controlnet, x, t, told.heard, told.pooled, hint, self.strength)

    def entering(self, door: Door, given: Mapping[str, Tensor], dtype: torch.dtype) -> list[Tensor]:
        """What enters through a door, in the order of the conditions."""
        names = [c.name for c in self.conditions if c.door == door]
        return [(self.parts[n](given[n]) if n in self.parts else given[n]).to(dtype) for n in names]


@dataclass(frozen=True)
class Entered:
    """What a denoiser is told, as far as it is the same at every step.

    Attributes:
        heard: tokens (B, T, D) that never vanish, which a ControlNet is told: those of the text, as a rule.
        tokens: all tokens (B, U, D).
        pooled: pooled vector of the text (B, P).
        mask: which tokens may be looked at (B, U); None for all.
        embeddings: added behind the time embedding, each (B, E).
        hint: the first hint, as ``Bundle.hinted`` makes it; None without a ControlNet.
        beside: what stems of further hints answer.
    """

    heard: Tensor
    tokens: Tensor
    pooled: Tensor
    mask: Tensor | None
    embeddings: list[Tensor]
    hint: Tensor | None
    beside: list[Tensor]


@contextmanager
def added(layers: Sequence[nn.Module], tensors: Sequence[Tensor]) -> Iterator[None]:
    """Add tensors to what layers of a network answer, while the network is called.

    So any network has the door of embeddings, behind the layers that embed the time: with class or time
    conditions in its own settings, stock pipelines could not load it. A hook leaves no trace in a network.
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

"""The class mix as numbers, through the tokens' door: shares, and which of them are asked for.

A share counts three times: as it is, as its square root, which keeps rare classes apart from absent ones, and
as a flag that it was named. Nothing named is zero everywhere.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from landloom.conditions.base import Condition, Embed, Host, Training
from landloom.config.label_train import LabelTrainConfig

FILE = "vector.safetensors"


class Ratios(Condition):
    """The class mix as a vector (B, 3K), for the label generator; never told without words.

    Args:
        tokens: what makes tokens of it; None for the categorical network, which has its own layers.
        classes: number of classes K.
        dropout: share of samples to which no share is told.
        partial: share of samples to which only some are told.
    """

    name = "ratios"
    door = "tokens"
    follows = "text"
    vanishes = True

    def __init__(
        self, tokens: "VectorTokens | None", classes: int, dropout: float, partial: float = 0.0
    ) -> None:
        super().__init__(torch.zeros(width(classes)), dropout, tokens)
        self.tokens, self.classes, self.partial = tokens, classes, partial

    @classmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """Of a label generator with tokens for them."""
        if not isinstance(section, LabelTrainConfig) or not section.vector.tokens:
            return None
        own, classes = section.vector, len(host.dataset.classes)
        return cls(VectorTokens(classes, own.tokens, host.words.shape[2]), classes, own.dropout, own.partial)

    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """Vectors of whole class mixes (B, K)."""
        ratios = rows["ratios"]
        return encode(ratios, torch.ones_like(ratios, dtype=torch.bool))

    def load(self, samples: Sequence[Any]) -> Tensor:
        """Vectors of what requests ask for; shares that are NaN are left open."""
        target = torch.from_numpy(np.stack([self.field(s, "target") for s in samples])).float()
        return encode(target.nan_to_num(), ~target.isnan())

    def practise(self, raw: Tensor) -> Tensor:
        """None, some or all of the shares (``draw_known``)."""
        known = draw_known(len(raw), self.classes, self.dropout, self.partial)
        return encode(raw[:, : self.classes], known.to(raw.device))

    def settings(self) -> dict[str, Any]:
        """Rate and number of classes."""
        return super().settings() | {"classes": self.classes}

    def save(self, folder: Path) -> None:
        """Write the layers that make tokens, if there are any."""
        if self.tokens is not None:
            save_file(self.tokens.state_dict(), folder / FILE, {"tokens": str(self.tokens.tokens)})

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Ratios for a sampler, with their tokens where there are any."""
        tokens = load_tokens(folder / FILE, settings["classes"]) if (folder / FILE).is_file() else None
        return cls(tokens, settings["classes"], settings["dropout"])


def width(classes: int) -> int:
    """Numbers in the vector of ``classes`` classes."""
    return 3 * classes


def encode(ratios: Tensor, known: Tensor) -> Tensor:
    """Vector (B, 3K) of shares (B, K), of which those where ``known`` (B, K) is false are not told."""
    told = torch.where(known, ratios, torch.zeros_like(ratios))
    return torch.cat([told, told.clamp_min(0).sqrt(), known.to(told.dtype)], 1)


def draw_known(batch: int, classes: int, dropout: float, partial: float) -> Tensor:
    """Which shares are told in training (B, K): none at the rate ``dropout``, some at ``partial``, else all.

    'Some' is a random subset of random size, so that any partial request has been practised.
    """
    kind = torch.rand(batch, 1)
    some = torch.rand(batch, classes) < torch.rand(batch, 1)
    known = torch.where(kind < dropout + partial, some, torch.ones_like(some))
    return torch.where(kind < dropout, torch.zeros_like(some), known)


def attended(words: Tensor) -> Tensor:
    """Which tokens of embeddings (B, T, D) cross-attention may look at (B, T): all but those of zeros.

    For a denoiser's ``encoder_attention_mask``. Merely being zero would not take a token's weight away.
    """
    return (words != 0).any(2)


class VectorTokens(nn.Module):
    """The vector as tokens for cross-attention, behind those of the text.

    Where nothing is told they are zeros, which nobody attends to (``attended``): the denoiser then answers
    as if there were the text alone. They start small and alike, not as zeros, which could never learn.

    Args:
        classes: number of classes.
        tokens: number of tokens.
        size: width of a token, that of the text embeddings.
    """

    def __init__(self, classes: int, tokens: int, size: int) -> None:
        super().__init__()
        self.tokens = tokens
        last = nn.Linear(size, tokens * size)
        nn.init.zeros_(last.weight)
        nn.init.normal_(last.bias, std=0.02)
        self.layers = nn.Sequential(nn.Linear(width(classes), size), nn.SiLU(), last)

    def forward(self, condition: Tensor) -> Tensor:
        """Tokens (B, T, D) of vectors (B, 3K)."""
        told = (condition != 0).any(1, keepdim=True)
        return (self.layers(condition) * told).unflatten(1, (self.tokens, -1))


def load_tokens(file: Path, classes: int) -> VectorTokens:
    """Ratio tokens that lie beside a LoRA."""
    with safe_open(file, "pt") as opened:
        count = int(opened.metadata()["tokens"])
    weights = load_file(file)
    tokens = VectorTokens(classes, count, len(weights["layers.0.bias"]))
    tokens.load_state_dict(weights)
    return tokens.eval().requires_grad_(False)

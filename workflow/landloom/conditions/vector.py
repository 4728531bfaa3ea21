"""The class mix as numbers, through the vector door: shares, and which of them are asked for.

A share counts three times: as it is, as its square root, which keeps rare classes apart from absent ones, and
as a flag that it was named. The null of this condition, nothing named, is zero everywhere.
"""

import torch
from torch import Tensor, nn


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

    def forward(self, text: Tensor, condition: Tensor) -> Tensor:
        """Text embeddings (B, T, D) followed by the tokens of vectors (B, 3K)."""
        told = (condition != 0).any(1, keepdim=True)
        made = self.layers(condition) * told
        return torch.cat([text, made.unflatten(1, (self.tokens, text.shape[2]))], 1)

"""The mask, through the spatial door: one channel per class."""

import torch
from torch import Tensor

from landloom.samples import IGNORE


def one_hot(mask: Tensor, classes: int) -> Tensor:
    """Class indices (B, H, W) to one-hot floats (B, K, H, W); ignored pixels are zero in every channel.

    All zeros, the null of this condition, is thus what "no class known" looks like in training too.
    """
    known = mask != IGNORE
    clean = torch.where(known, mask, torch.zeros_like(mask)).long()
    hot = torch.nn.functional.one_hot(clean, classes) * known[..., None]
    return hot.movedim(-1, 1).float()


def fractions(mask: Tensor, classes: int, cells: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Class shares per latent cell (B, K, h, w), and the share of pixels with a class (B, 1, h, w)."""
    hot = one_hot(mask, classes)
    pooled = torch.nn.functional.adaptive_avg_pool2d(hot, cells)
    known = pooled.sum(1, keepdim=True)
    return pooled / known.clamp_min(1e-6), known

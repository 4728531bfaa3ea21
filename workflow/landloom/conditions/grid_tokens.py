"""Tokens of features that lie on a grid over a tile."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GridTokens(nn.Module):
    """A token for each place of a grid: a layer over its features, and where it is; learned where not told.

    Args:
        features: number of features at a place.
        width: of a token.
        grid: places along a side.
        size: side of the tile in pixels.
    """

    places: Tensor

    def __init__(self, features: int, width: int, grid: int, size: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.null = nn.Parameter(0.02 * torch.randn(grid**2, width))
        self.register_buffer("places", waves(grid, size, width), persistent=False)

    def forward(self, raw: Tensor) -> Tensor:
        """Tokens (B, g * g, width) of features (B, D, g, g)."""
        x = raw.flatten(2).mT.to(self.null.dtype)
        # Of length 1, features would be small beside what says where they are.
        found = self.enter(x * x.shape[2] ** 0.5) + self.places
        return torch.where((x != 0).any(2, keepdim=True), found, self.null)


def waves(grid: int, size: int, width: int) -> Tensor:
    """Sines and cosines (g * g, width) of the centres of places, in pixels of the tile (Vaswani et al. 2017).

    A quarter of the width each for sines and cosines, down and across; what is left over is zero.
    """
    count = width // 4
    centres = (torch.arange(grid) + 0.5) * size / grid
    angles = centres[:, None] / 10_000 ** (torch.arange(count) / max(1, count))
    one = torch.cat([angles.sin(), angles.cos()], 1)
    down, across = one.repeat_interleave(grid, 0), one.repeat(grid, 1)
    return F.pad(torch.cat([down, across], 1), (0, width - 4 * count))

"""Mirrors and turns of the square; aerial images have no up."""

from typing import Literal

import torch
from torch import Tensor

Augment = Literal["none", "flip", "d4"]
COUNT: dict[Augment, int] = {"none": 1, "flip": 2, "d4": 8}


def turn(x: Tensor, variant: int) -> Tensor:
    """Variant 0..7 of (..., H, W): bit 0 mirrors left-right, the rest counts quarter turns."""
    x = x.flip(-1) if variant % 2 else x
    return torch.rot90(x, variant // 2, (-2, -1))


def turn_each(x: Tensor, variants: Tensor) -> Tensor:
    """Turn each of (B, ..., H, W) by its own variant (B,)."""
    return torch.stack([turn(item, int(v)) for item, v in zip(x, variants, strict=True)])


def turn_points(x: Tensor, variant: int, side: float) -> Tensor:
    """Points (..., 2), x and y from the upper left, of a square of a side, where its variant has them.

    Pixels turn with their edges: the corner 0, 0 of a mirrored square is at ``side``, 0.
    """
    across, down = x.unbind(-1)
    across = side - across if variant % 2 else across
    for _ in range(variant // 2):
        across, down = down, side - across
    return torch.stack([across, down], -1)

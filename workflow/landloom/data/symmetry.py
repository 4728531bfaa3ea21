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

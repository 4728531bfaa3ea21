"""Holes in tiles, as a training draws them: what lies in a hole is to be painted."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from landloom.raster.labels import IGNORE

Kind = Literal["boxes", "blobs", "classes"]


def drawn(labels: Tensor, kinds: Sequence[Kind], least: float, most: float) -> Tensor:
    """A hole for each tile, True where a pixel is hidden (B, H, W); never the whole tile.

    Args:
        labels: class indices (B, H, W).
        kinds: kinds of holes, each as frequent.
        least: smallest share of a tile that a box or a blob covers.
        most: largest share.
    """
    return torch.stack([_one(mask, kinds, least, most) for mask in labels])


def _one(mask: Tensor, kinds: Sequence[Kind], least: float, most: float) -> Tensor:
    kind = kinds[int(torch.randint(len(kinds), ()))]
    share = least + (most - least) * float(torch.rand(()))
    present = mask[mask != IGNORE].unique()
    if kind == "classes" and len(present) > 1:
        return mask == present[torch.randint(len(present), ())]
    return (box if kind == "boxes" else blob)(mask.shape[0], mask.shape[1], share)


def box(height: int, width: int, share: float) -> Tensor:
    """A rectangle (H, W) anywhere in the tile, up to four times as long as wide at a small share."""
    # Sides of share**u and share**(1 - u) of the tile's, for any u, have the right area and fit.
    u = 0.25 + 0.5 * float(torch.rand(()))
    rows = min(max(1, round(share**u * height)), height - 1)
    columns = max(1, round(share ** (1 - u) * width))
    top, left = int(torch.randint(height - rows + 1, ())), int(torch.randint(width - columns + 1, ()))
    found = torch.zeros(height, width, dtype=torch.bool)
    found[top : top + rows, left : left + columns] = True
    return found


def blob(height: int, width: int, share: float) -> Tensor:
    """Round shapes (H, W), as clouds have: where smooth noise is highest."""
    cells = int(torch.randint(3, 9, ()))
    noise = F.interpolate(torch.randn(1, 1, cells, cells), (height, width), mode="bicubic")[0, 0]
    hidden = max(1, round(share * height * width))
    chosen = torch.zeros(height * width, dtype=torch.bool)
    chosen[noise.flatten().topk(hidden).indices] = True
    return chosen.view(height, width)

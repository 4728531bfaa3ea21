"""Batches of training tiles, their scaling and their random turns."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from landloom.data.statistics import wide
from landloom.data.symmetry import COUNT, Augment, turn_each
from landloom.data.tile_dataset import TileDataset


def batch(tiles: TileDataset, index: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images (B, C, H, W) as float32 in [-1, 1] and masks (B, H, W) of tiles at ``index`` (B,), on a device.

    Images are moved as they are stored, and scaled there: 8 bits are a quarter of float32.
    """
    found = tiles.__getitems__(index.tolist())
    images = torch.from_numpy(np.stack([t.image for t in found])).to(device)
    masks = torch.from_numpy(np.stack([t.mask for t in found])).to(device)
    return scaled(images, tiles.statistics.low, tiles.statistics.high), masks


def scaled(images: Tensor, low: Sequence[float], high: Sequence[float]) -> Tensor:
    """What ``Statistics.scale`` does, to the bit, where the images (B, C, H, W) are."""
    exact = torch.float64 if wide(images.dtype.itemsize, images.is_floating_point()) else torch.float32
    first, last = (torch.tensor(v, dtype=exact, device=images.device)[:, None, None] for v in (low, high))
    values = images.to(exact)
    values = torch.where(values.isfinite(), values, -torch.inf)
    span = torch.where(last > first, last - first, 1)
    return (((values - first) / span).clamp(0, 1) * 2 - 1).float()


def augment(images: Tensor, masks: Tensor, kind: Augment) -> tuple[Tensor, Tensor]:
    """Turn each image (B, C, H, W) and its mask (B, H, W) alike, at random from torch's global generator."""
    variants = torch.randint(0, COUNT[kind], (len(images),))
    return turn_each(images, variants), turn_each(masks, variants)

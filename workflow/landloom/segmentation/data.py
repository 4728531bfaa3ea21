"""Training arrays in memory, their scaling and their random turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landloom import samples
from landloom.dataset import Dataset, wide
from landloom.diffusion.symmetry import COUNT, Augment, turn_each
from landloom.errors import InputError


@dataclass(frozen=True)
class Arrays:
    """Training data, kept as it is stored: scaled to float32 it would take four times the memory of 8 bits.

    Attributes:
        images: (N, C, H, W) in their own units and type.
        masks: (N, H, W) uint8 class indices, 255 where ignored.
        low: value per band (C,) that is mapped to -1.
        high: value per band (C,) that is mapped to 1.
    """

    images: NDArray[Any]
    masks: NDArray[np.uint8]
    low: Sequence[float]
    high: Sequence[float]

    def batch(self, index: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) as float32 in [-1, 1] and masks (B, H, W), on a device."""
        rows = index.cpu().numpy()
        images = torch.from_numpy(self.images[rows]).to(device)
        return scaled(images, self.low, self.high), torch.from_numpy(self.masks[rows]).to(device)


def scaled(images: Tensor, low: Sequence[float], high: Sequence[float]) -> Tensor:
    """What ``Dataset.scale`` does, to the bit, where the images (B, C, H, W) are."""
    exact = torch.float64 if wide(images.dtype.itemsize, images.is_floating_point()) else torch.float32
    first, last = (torch.tensor(v, dtype=exact, device=images.device)[:, None, None] for v in (low, high))
    values = images.to(exact)
    values = torch.where(values.isfinite(), values, -torch.inf)
    span = torch.where(last > first, last - first, 1)
    return (((values - first) / span).clamp(0, 1) * 2 - 1).float()


def load(paths: Sequence[Path], card: Dataset, min_trust: float = 0.0) -> Arrays:
    """Read all samples of shards; pixels trusted less than ``min_trust`` (0 to 1) are ignored.

    Raises:
        InputError: there are no samples, or a sample has another size or type than the card says.
    """
    count = len(samples.columns(paths, ["id"])["id"])
    if not count:
        raise InputError(
            paths[0] if paths else "mix", "there are no samples", "Check the split and the tiles"
        )
    images = np.empty((count, card.bands, card.size, card.size), card.dtype)
    masks = np.empty((count, card.size, card.size), np.uint8)
    for i, sample in enumerate(samples.read(paths)):
        image = sample.image_array()
        if image.shape != images.shape[1:] or image.dtype != images.dtype:
            found = f"the image is {image.shape} {image.dtype}, not {images.shape[1:]} {images.dtype}"
            raise InputError(sample.id, found, "Run tile again")
        images[i], masks[i] = image, sample.trusted_mask(min_trust)
    return Arrays(images, masks, card.low, card.high)


def augment(images: Tensor, masks: Tensor, kind: Augment) -> tuple[Tensor, Tensor]:
    """Turn each image (B, C, H, W) and its mask (B, H, W) alike, at random from torch's global generator."""
    variants = torch.randint(0, COUNT[kind], (len(images),))
    return turn_each(images, variants), turn_each(masks, variants)

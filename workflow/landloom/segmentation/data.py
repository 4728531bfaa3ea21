"""Training arrays in memory, and their random turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from landloom import samples
from landloom.dataset import Dataset
from landloom.diffusion.symmetry import COUNT, Augment, turn_each
from landloom.errors import InputError


@dataclass(frozen=True)
class Arrays:
    """Training data.

    Attributes:
        images: (N, C, H, W) float32 in [-1, 1].
        masks: (N, H, W) uint8 class indices, 255 where ignored.
    """

    images: Tensor
    masks: Tensor


def load(paths: Sequence[Path], card: Dataset, min_trust: float = 0.0) -> Arrays:
    """Read all samples of shards; pixels trusted less than ``min_trust`` (0 to 1) are ignored.

    Raises:
        InputError: there are no samples, or a sample has another size than the card says.
    """
    count = len(samples.columns(paths, ["id"])["id"])
    if not count:
        raise InputError(
            paths[0] if paths else "mix", "there are no samples", "Check the split and the tiles"
        )
    images = np.empty((count, card.bands, card.size, card.size), np.float32)
    masks = np.empty((count, card.size, card.size), np.uint8)
    for i, sample in enumerate(samples.read(paths)):
        image = sample.image_array()
        if image.shape != images.shape[1:]:
            raise InputError(
                sample.id, f"the image is {image.shape}, not {images.shape[1:]}", "Run tile again"
            )
        images[i] = card.scale(image)
        masks[i] = sample.trusted_mask(min_trust)
    return Arrays(torch.from_numpy(images), torch.from_numpy(masks))


def augment(images: Tensor, masks: Tensor, kind: Augment) -> tuple[Tensor, Tensor]:
    """Turn each image (B, C, H, W) and its mask (B, H, W) alike, at random from torch's global generator."""
    variants = torch.randint(0, COUNT[kind], (len(images),))
    return turn_each(images, variants), turn_each(masks, variants)

"""What the training loop minimises for segmentation: cross-entropy over pixels that have a class."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.data.symmetry import Augment
from landloom.data.tile_dataset import TileDataset
from landloom.raster.labels import IGNORE
from landloom.segmentation.data import augment, batch
from landloom.training.loop import device

SMALLEST_SHARE = 1e-4
"""Classes rarer than this weigh as if they had this share, so that no weight is infinite."""


def class_weights(kind: Literal["none", "inverse_sqrt"], prior: Sequence[float]) -> Tensor:
    """Loss weight per class (K,): one, or one over the square root of its share, with a mean of one."""
    if kind == "none":
        return torch.ones(len(prior))
    weights = torch.tensor(prior, dtype=torch.float32).clamp_min(SMALLEST_SHARE).rsqrt()
    return weights / weights.mean()


class SegmentationObjective:
    """Cross-entropy of a network on tiles; see ``landloom.training.loop.Objective``.

    Args:
        module: maps images (B, C, H, W) to logits (B, K, H, W).
        tiles: images and masks.
        weights: loss weight per class (K,).
        kind: random turns.
    """

    def __init__(self, module: nn.Module, tiles: TileDataset, weights: Tensor, kind: Augment) -> None:
        self.module, self.tiles, self.kind = module, tiles, kind
        self.size = len(tiles)
        self.weights = weights.to(device())

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to decode the tiles of the next step."""
        self.tiles.prefetch(index.tolist())

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Weighted mean cross-entropy over valid pixels, and their accuracy; both 0 without a valid pixel."""
        index = index.cpu()
        if len(index) == 1:  # batch norm cannot train on one pooled vector: show the sample in two turns
            index = index.repeat(2)
        images, masks = augment(*batch(self.tiles, index, self.weights.device), self.kind)
        target = masks.long()
        logits = module(images).float()
        return {
            "loss": cross_entropy(logits, target, self.weights),
            "accuracy": accuracy(logits.detach(), target),
        }


def cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, K, H, W) and classes (B, H, W), each pixel weighted by its class.

    Torch's own mean is NaN when every pixel is ignored; this one is 0 and has a gradient of 0.
    """
    each = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="none")
    valid = target != IGNORE
    total = (weights[target.clamp_max(len(weights) - 1)] * valid).sum()
    return each.sum() / total.clamp_min(1e-6)


def accuracy(logits: Tensor, target: Tensor) -> Tensor:
    """Share of valid pixels whose largest logit is their class."""
    valid = target != IGNORE
    return ((logits.max(1).indices == target) & valid).sum() / valid.sum().clamp_min(1)

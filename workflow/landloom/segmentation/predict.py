"""Inference over images, a batch at a time, in single precision whatever a training took."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.runtime import batches
from landloom.training.loop import device

BATCH = 16
Key = TypeVar("Key")
Probabilities = NDArray[np.float32]
"""Of classes (K, H, W); their sum is 1 at each pixel."""
Found = Iterator[tuple[Sample, Probabilities]]
"""Tiles with what a network finds in them."""


def over(
    model: nn.Module, statistics: Statistics, images: Iterable[tuple[Key, NDArray[Any]]], batch: int = BATCH
) -> Iterator[tuple[Key, Probabilities]]:
    """Yield class probabilities of images (C, H, W), each with its key; the model goes to evaluation mode."""
    model = model.to(device()).eval()
    for part in batches.of(images, batch, device().type):
        given = torch.from_numpy(np.stack([statistics.scale(image) for _, image in part]))
        # By default convolutions on a GPU keep 10 of 23 bits of what they multiply (TF32).
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            found = model(given.to(device())).float().softmax(1).cpu().numpy()
        yield from zip((key for key, _ in part), found, strict=True)


def probabilities(
    model: nn.Module, statistics: Statistics, samples: Iterable[Sample], batch: int = BATCH
) -> Found:
    """Yield each sample with its class probabilities."""
    return over(model, statistics, ((s, s.image_array()) for s in samples), batch)


def labels(
    model: nn.Module, statistics: Statistics, samples: Iterable[Sample], batch: int = BATCH
) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """Yield each sample with its predicted class indices (H, W)."""
    for sample, found in probabilities(model, statistics, samples, batch):
        yield sample, found.argmax(0).astype(np.uint8)

"""Inference over samples, a batch at a time."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.training.loop import device

BATCH = 16


def probabilities(
    model: nn.Module, statistics: Statistics, samples: Iterable[Sample], batch: int = BATCH
) -> Iterator[tuple[Sample, NDArray[np.float32]]]:
    """Yield each sample with its class probabilities (K, H, W); the model is put in evaluation mode."""
    model = model.to(device()).eval()
    iterator = iter(samples)
    while part := list(itertools.islice(iterator, batch)):
        images = np.stack([statistics.scale(s.image_array()) for s in part])
        with torch.no_grad():
            logits = model(torch.from_numpy(images).to(device()))
        yield from zip(part, logits.float().softmax(1).cpu().numpy(), strict=True)


def labels(
    model: nn.Module, statistics: Statistics, samples: Iterable[Sample], batch: int = BATCH
) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """Yield each sample with its predicted class indices (H, W)."""
    for sample, found in probabilities(model, statistics, samples, batch):
        yield sample, found.argmax(0).astype(np.uint8)

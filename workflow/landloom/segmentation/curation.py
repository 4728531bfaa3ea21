"""How far a judge trained on real data trusts the pixels of a pair.

After FreeMask (Yang et al. 2023, "FreeMask: Synthetic Images with Dense Annotations Make Stronger
Segmentation Models"), which ignores a pixel whose loss exceeds a multiple of its class's mean loss on real
data. Here trust falls off smoothly instead, and a threshold may be put on it later.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from landloom.samples import IGNORE, Sample

SMALLEST_LOSS = 1e-2
"""Floor of the mean loss per class, in nats: a judge without a fault would doubt everything else."""


def pixel_loss(probabilities: NDArray[np.float32], mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Cross-entropy (H, W) in nats of probabilities (K, H, W) against a mask; 0 where the mask is ignored."""
    safe = np.where(mask == IGNORE, 0, mask)
    chosen = np.take_along_axis(probabilities, safe[None].astype(np.int64), 0)[0]
    return np.where(mask == IGNORE, 0, -np.log(np.maximum(chosen, 1e-12))).astype(np.float32)


def class_loss(judged: Iterable[tuple[Sample, NDArray[np.float32]]], classes: int) -> NDArray[np.float64]:
    """Mean loss per class (K,) in nats over real samples and their probabilities.

    A class without a pixel gets the mean of the others. NaN everywhere when no pixel has a class.
    """
    total, count = np.zeros(256), np.zeros(256)
    for sample, probabilities in judged:
        mask = sample.mask_array()
        total += np.bincount(mask.ravel(), pixel_loss(probabilities, mask).ravel(), minlength=256)
        count += np.bincount(mask.ravel(), minlength=256)
    total, count = total[:classes], count[:classes]
    seen = count > 0
    found = np.divide(total, count, out=np.full(classes, np.nan), where=seen)
    if seen.any():
        found[~seen] = found[seen].mean()
    return np.maximum(found, SMALLEST_LOSS)


def trust(
    loss: NDArray[np.float32], mask: NDArray[np.uint8], norm: NDArray[np.float64], tolerance: float
) -> NDArray[np.uint8]:
    """Trust raster (H, W): 255 * clip(tolerance * norm of the class / loss, 0, 1); 0 where ignored."""
    limit = np.zeros(256)
    limit[: len(norm)] = tolerance * norm
    allowed = limit[mask]
    share = np.divide(allowed, loss, out=np.ones_like(allowed), where=loss > allowed)
    return np.where(mask == IGNORE, 0, np.rint(255 * np.clip(share, 0, 1))).astype(np.uint8)


def agreement(predicted: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    """Share of pixels with a class on which two masks (H, W) agree; 0 when none has a class."""
    valid = mask != IGNORE
    return float((predicted == mask)[valid].mean()) if valid.any() else 0.0

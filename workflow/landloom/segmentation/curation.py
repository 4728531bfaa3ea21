"""How far a judge trained on real data trusts the pixels of a pair.

After FreeMask (Yang et al. 2023, "FreeMask: Synthetic Images with Dense Annotations Make Stronger
Segmentation Models"), which ignores a pixel whose loss exceeds a multiple of its class's mean loss on real
data. Here trust falls off smoothly instead, and a threshold may be put on it later.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landloom.samples import IGNORE, Sample
from landloom.segmentation.overlaps import Overlaps

SMALLEST_LOSS = 1e-2
"""Floor of the mean loss per class, in nats: a judge without a fault would doubt everything else."""


def pixel_loss(probabilities: NDArray[np.float32], mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Cross-entropy (H, W) in nats of probabilities (K, H, W) against a mask; 0 where the mask is ignored."""
    safe = np.where(mask == IGNORE, 0, mask)
    chosen = np.take_along_axis(probabilities, safe[None].astype(np.int64), 0)[0]
    return np.where(mask == IGNORE, 0, -np.log(np.maximum(chosen, 1e-12))).astype(np.float32)


@dataclass(frozen=True)
class Norms:
    """What a judge does on real data that it was not trained on.

    Attributes:
        loss: mean loss per class (K,) in nats; a class without a pixel has the mean of the others.
        right: share of right pixels per class (K,); likewise.
    """

    loss: NDArray[np.float64]
    right: NDArray[np.float64]

    def expected(self, mask: NDArray[np.uint8]) -> float:
        """Agreement to expect of a real pair with the classes of this mask; 0 when it has none."""
        counts = np.bincount(mask[mask != IGNORE].ravel(), minlength=len(self.right))
        return float(counts @ self.right / counts.sum()) if counts.sum() else 0.0


def norms(judged: Iterable[tuple[Sample, NDArray[np.float32]]], classes: int) -> Norms:
    """Norms of a judge from real samples and its probabilities; NaN when no pixel has a class.

    Pixels that tiles of one scene share count once.
    """
    loss, right, count = np.zeros(256), np.zeros(256), np.zeros(256)
    overlaps = Overlaps()
    for sample, probabilities in judged:
        mask = overlaps.uncounted(sample)
        flat = mask.ravel()
        loss += np.bincount(flat, pixel_loss(probabilities, mask).ravel(), minlength=256)
        right += np.bincount(flat, (probabilities.argmax(0) == mask).ravel(), minlength=256)
        count += np.bincount(flat, minlength=256)
    means = [_means(total[:classes], count[:classes]) for total in (loss, right)]
    return Norms(np.maximum(means[0], SMALLEST_LOSS), means[1])


def _means(total: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = count > 0
    found = np.divide(total, count, out=np.full(len(total), np.nan), where=seen)
    if seen.any():
        found[~seen] = found[seen].mean()
    return found


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

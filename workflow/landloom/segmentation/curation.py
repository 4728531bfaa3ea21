"""How far a judge trained on real data trusts the pixels of a pair.

After FreeMask (Yang et al. 2023, "FreeMask: Synthetic Images with Dense Annotations Make Stronger
Segmentation Models"), which ignores a pixel whose loss exceeds a multiple of its class's mean loss on real
data. Here trust falls off smoothly instead, and a threshold may be put on it later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.raster.labels import IGNORE

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

    @classmethod
    def of(cls, scores: Mapping[str, Any]) -> "Norms":
        """Norms from a judge's scores on a split, as ``segment`` writes them; NaN when it has no pixel."""
        matrix = np.array(scores["confusion"], np.float64)
        count = matrix.sum(1)
        right = np.divide(matrix.diagonal(), count, out=np.full(len(count), np.nan), where=count > 0)
        loss = np.array(scores["loss"], np.float64)  # None becomes NaN
        return cls(np.maximum(_filled(loss), SMALLEST_LOSS), _filled(right))

    def expected(self, mask: NDArray[np.uint8]) -> float:
        """Agreement to expect of a real pair with the classes of this mask; 0 when it has none."""
        counts = np.bincount(mask[mask != IGNORE].ravel(), minlength=len(self.right))
        return float(counts @ self.right / counts.sum()) if counts.sum() else 0.0


def class_losses(
    probabilities: NDArray[np.float32], mask: NDArray[np.uint8], classes: int
) -> NDArray[np.float64]:
    """Sum of the loss of each class's pixels (K,), in nats; probabilities (K, H, W), mask (H, W)."""
    loss = pixel_loss(probabilities, mask)
    return np.bincount(mask.ravel(), loss.ravel(), minlength=256)[:classes].astype(np.float64)


def _filled(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means with that of the others where a class has none."""
    seen = ~np.isnan(means)
    return np.where(seen, means, means[seen].mean()) if seen.any() else means


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

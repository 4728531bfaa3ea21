"""Confusion matrix and what follows from it. Rows are the truth, columns the prediction."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.samples import IGNORE

Confusion = NDArray[np.int64]


def confusion(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> Confusion:
    """Pixel counts (K, K) of two masks of one shape; pixels ignored in the truth are left out."""
    valid = truth != IGNORE
    pairs = truth[valid].astype(np.int64) * classes + predicted[valid]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def iou(matrix: Confusion) -> NDArray[np.float64]:
    """Intersection over union (K,), 0 to 1; NaN for classes in neither truth nor prediction."""
    hit = np.diag(matrix).astype(np.float64)
    return _share(hit, matrix.sum(0) + matrix.sum(1) - hit)


def f1(matrix: Confusion) -> NDArray[np.float64]:
    """F1 score (K,), 0 to 1; NaN for classes in neither truth nor prediction."""
    return _share(2 * np.diag(matrix).astype(np.float64), (matrix.sum(0) + matrix.sum(1)).astype(np.float64))


def mean(values: NDArray[np.float64]) -> float:
    """Mean over the classes that are present; NaN when none is."""
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")


def summary(matrix: Confusion) -> dict[str, Any]:
    """Confusion, per-class and mean scores, JSON-able: None stands for an absent class."""
    per_iou, per_f1 = iou(matrix), f1(matrix)
    return {
        "confusion": matrix.tolist(),
        "iou": [_plain(v) for v in per_iou],
        "f1": [_plain(v) for v in per_f1],
        "miou": _plain(mean(per_iou)),
        "mf1": _plain(mean(per_f1)),
    }


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

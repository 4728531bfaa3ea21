"""Confusion matrix and what follows from it. Rows are the truth, columns the prediction.

Means are taken over the classes of the truth. A class that is only predicted costs the pixels of the others
and has no score of its own: else each run would be averaged over other classes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.raster.labels import IGNORE

Confusion = NDArray[np.int64]


def confusion(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> Confusion:
    """Pixel counts (K, K) of two masks of one shape; pixels ignored in the truth are left out."""
    valid = truth != IGNORE
    pairs = truth[valid].astype(np.int64) * classes + predicted[valid]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def iou(matrix: Confusion) -> NDArray[np.float64]:
    """Intersection over union (..., K), 0 to 1, of (..., K, K); NaN for classes that the truth lacks."""
    right = _right(matrix)
    return _share(matrix, right, matrix.sum(-2) + matrix.sum(-1) - right)


def f1(matrix: Confusion) -> NDArray[np.float64]:
    """F1 score (..., K), 0 to 1, of (..., K, K); NaN for classes that the truth lacks."""
    return _share(matrix, 2 * _right(matrix), matrix.sum(-2) + matrix.sum(-1))


def accuracy(matrix: Confusion) -> float:
    """Share of pixels that were found right; NaN when there are none."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def mean(values: NDArray[np.float64]) -> float:
    """Mean over the classes of the truth, whatever was predicted; NaN when there is none."""
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")


def summary(matrix: Confusion) -> dict[str, Any]:
    """Confusion, per-class and mean scores, JSON-able: None stands for a class that the truth lacks."""
    per_iou, per_f1 = iou(matrix), f1(matrix)
    return {
        "confusion": matrix.tolist(),
        "iou": [_plain(v) for v in per_iou],
        "f1": [_plain(v) for v in per_f1],
        "miou": _plain(mean(per_iou)),
        "mf1": _plain(mean(per_f1)),
        "accuracy": _plain(accuracy(matrix)),
    }


def per_pixel(matrix: Confusion, total: NDArray[np.float64]) -> list[float | None]:
    """Sums over the pixels of each class (K,) as means, JSON-able: None for a class that the truth lacks."""
    return [_plain(v) for v in _share(matrix, total, matrix.sum(1))]


def _right(matrix: Confusion) -> NDArray[np.int64]:
    """Pixels (..., K) of each class that were found."""
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _share(
    matrix: Confusion, part: NDArray[np.int64] | NDArray[np.float64], whole: NDArray[np.int64]
) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=matrix.sum(-1) > 0)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

"""How well masks hold the class shares that were asked for."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cpe(found: ArrayLike, wanted: ArrayLike) -> NDArray[np.float64]:
    """Class proportion error per class (K,), in percentage points.

    CPE_k = 100 / N * sum_i |p_hat_ik - p_ik|, with p_hat the shares in N hard masks and p the shares
    asked for (Xu et al. 2025, eq. 8).

    Args:
        found: shares (N, K), 0 to 1.
        wanted: shares (N, K); None or NaN where a request leaves a class open, which then does not count.

    Returns:
        NaN for classes that no request names.
    """
    error = np.abs(np.asarray(found, np.float64) - np.asarray(wanted, np.float64))
    given = ~np.isnan(error)
    count = given.sum(0)
    total = np.where(given, error, 0).sum(0)
    return 100 * np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def mcpe(per_class: NDArray[np.float64]) -> float:
    """Mean class proportion error in percentage points: the plain mean of CPE over classes (eq. 8)."""
    known = per_class[~np.isnan(per_class)]
    return float(known.mean()) if len(known) else float("nan")

"""The real tile whose class mix is nearest to a request."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np


def nearest(
    requests: Sequence[Mapping[Hashable, Any]], rows: Sequence[int], ratios: Sequence[Sequence[float]]
) -> list[int]:
    """For each request the row whose class mix is nearest (L1); ties by the request's seed."""
    mixes, found = np.array(ratios), []
    for request in requests:
        gap = np.nansum(np.abs(mixes - request["target_ratios"]), 1)
        ties = np.flatnonzero(gap <= gap.min() + 1e-6)
        found.append(rows[ties[request["seed"] % len(ties)]])
    return found

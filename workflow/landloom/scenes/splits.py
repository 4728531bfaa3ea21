"""Shares of train, val and test, dealt out the same way for the same seed. Standard library only."""

import hashlib
import math
from collections.abc import Sequence

SPLITS = ("train", "val", "test")


def assign(keys: Sequence[str], val: float, test: float, seed: int) -> dict[str, str]:
    """Give each key its split: exact counts, in an order that only depends on seed and keys.

    Each share above 0 gets at least one key as long as one is left for train.
    """
    order = sorted(keys, key=lambda k: hashlib.sha256(f"{seed}/{k}".encode()).digest())
    counts = {"test": _count(len(keys), test), "val": _count(len(keys), val)}
    while keys and sum(counts.values()) >= len(keys):
        # Too few keys for all: train comes first, then test.
        counts["val" if counts["val"] >= counts["test"] else "test"] -= 1
    labels = [s for s in ("test", "val") for _ in range(counts[s])]
    return dict(zip(order, labels + ["train"] * (len(keys) - len(labels)), strict=True))


def _count(total: int, share: float) -> int:
    return max(1, math.floor(total * share + 0.5)) if share > 0 else 0

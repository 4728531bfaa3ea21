"""Shares of train, val and test, dealt out the same way for the same seed. Standard library only."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence

SPLITS = ("train", "val", "test")
UNLABELLED = "unlabelled"
"""Split of scenes or blocks that show their image alone: whatever mask there is stays shut."""
LEARNED = ("train", UNLABELLED)
"""Splits that may be learned from; what no one may learn from is held out."""


def assign(keys: Sequence[str], val: float, test: float, seed: int) -> dict[str, str]:
    """Give each key its split: exact counts, in an order that only depends on seed and keys.

    Each share above 0 gets at least one key as long as one is left for train.
    """
    order = sorted(keys, key=_drawn(str(seed)))
    counts = {"test": _count(len(keys), test), "val": _count(len(keys), val)}
    while keys and sum(counts.values()) >= len(keys):
        # Too few keys for all: train comes first, then test.
        counts["val" if counts["val"] >= counts["test"] else "test"] -= 1
    labels = [s for s in ("test", "val") for _ in range(counts[s])]
    return dict(zip(order, labels + ["train"] * (len(keys) - len(labels)), strict=True))


def withhold(labels: Mapping[str, str], share: float, seed: int) -> dict[str, str]:
    """The same splits, with a share of the train keys left in train, at least one; the others are unlabelled.

    What a smaller share leaves is among what a larger one leaves.
    """
    order = sorted((k for k, label in labels.items() if label == "train"), key=_drawn(f"{seed}/labelled"))
    return {**labels, **dict.fromkeys(order[_count(len(order), share) :], UNLABELLED)}


def _drawn(salt: str) -> Callable[[str], bytes]:
    """Order by draw, which only depends on salt and key."""
    return lambda key: hashlib.sha256(f"{salt}/{key}".encode()).digest()


def _count(total: int, share: float) -> int:
    return max(1, math.floor(total * share + 0.5)) if share > 0 else 0

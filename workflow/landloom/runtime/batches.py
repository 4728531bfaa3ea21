"""How many images a network looks at together, where it only looks."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from numpy.typing import NDArray

PIXELS = 2**18
"""Pixels that a CPU takes at once.

A layer's result for these stays below 32 MB as a rule. Larger arrays get their memory from the system each
time (M_MMAP_THRESHOLD of glibc), which zeroes it page by page: EfficientNet-Lite0 saw 2.6 times as many
pictures a second by fours as by 32, PSPNet 1.8 times as many of 512 px one by one as by 16.
"""
Key = TypeVar("Key")


def most(batch: int, pixels: int, device: str) -> int:
    """Images of so many pixels that are taken at once, at least one; on a GPU ``batch``."""
    return batch if device != "cpu" else max(1, min(batch, PIXELS // pixels))


def of(
    images: Iterable[tuple[Key, NDArray[Any]]], batch: int, device: str
) -> Iterator[list[tuple[Key, NDArray[Any]]]]:
    """Images (C, H, W) of one size with their keys, in lists for one pass of a network."""
    iterator = iter(images)
    if (first := next(iterator, None)) is None:
        return
    count = most(batch, first[1].shape[-2] * first[1].shape[-1], device)
    iterator = itertools.chain([first], iterator)
    while part := list(itertools.islice(iterator, count)):
        yield part

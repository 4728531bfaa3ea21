"""How much data a training holds in memory. The Snakefile asks, too: nothing heavy is imported."""

import re
from collections.abc import Mapping

HELD_BYTES = 10**9
"""Bound of a training's decoded tiles, latents and texts, per process. A set that fits is read once; others
are streamed."""


def tile_bytes(tiles: int, bands: int, size: int, dtype: str) -> int:
    """Bytes of the images (bands, size, size) of some tiles in a numpy type, and of their 8-bit masks."""
    return tiles * size**2 * (bands * _itemsize(dtype) + 1)


def capacity(bands: int, size: int, dtype: str) -> int:
    """Tiles that ``HELD_BYTES`` has room for; at least one."""
    return max(1, HELD_BYTES // tile_bytes(1, bands, size, dtype))


def shared(sizes: Mapping[str, int]) -> dict[str, int]:
    """Bytes that each of several tables may hold of ``HELD_BYTES``, given the bytes of all its rows.

    The smallest are held whole while they fit: of a shuffled table that is held in part hardly a row is there
    when it is asked for. The others share what is left, by their size.
    """
    found, left = dict[str, int](), HELD_BYTES
    for name in sorted(sizes, key=sizes.__getitem__):
        if sizes[name] > left:
            break
        found[name] = sizes[name]
        left -= sizes[name]
    others = {n: size for n, size in sizes.items() if n not in found}
    return found | {n: left * size // sum(others.values()) for n, size in others.items()}


def _itemsize(dtype: str) -> int:
    """Bytes of one value, from the name of a numpy type, such as uint16."""
    bits = re.search(r"\d+$", dtype)
    return int(bits[0]) // 8 if bits else 1

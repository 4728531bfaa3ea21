"""How many decoded tiles a training holds in memory. The Snakefile asks, too: nothing heavy is imported."""

import re

HELD_BYTES = 10**9
"""Bound of a training's decoded tiles, per process. A set that fits is read once; others are streamed."""


def tile_bytes(tiles: int, bands: int, size: int, dtype: str) -> int:
    """Bytes of the images (bands, size, size) of some tiles in a numpy type, and of their 8-bit masks."""
    return tiles * size**2 * (bands * _itemsize(dtype) + 1)


def capacity(bands: int, size: int, dtype: str) -> int:
    """Tiles that ``HELD_BYTES`` has room for; at least one."""
    return max(1, HELD_BYTES // tile_bytes(1, bands, size, dtype))


def _itemsize(dtype: str) -> int:
    """Bytes of one value, from the name of a numpy type, such as uint16."""
    bits = re.search(r"\d+$", dtype)
    return int(bits[0]) // 8 if bits else 1

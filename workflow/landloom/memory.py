"""How much memory training data takes, from the numbers on the dataset card; nothing heavy is imported."""

import numpy as np


def tile_bytes(tiles: int, bands: int, size: int, dtype: str) -> int:
    """Bytes of the images (bands, size, size) of some tiles in a numpy type, and of their 8-bit masks."""
    return tiles * size**2 * (bands * np.dtype(dtype).itemsize + 1)


def latent_bytes(tiles: int, channels: int, side: int, variants: int, itemsize: int) -> int:
    """Bytes of latents (variants, channels, side, side) of some tiles; of images or of masks, not of both."""
    return tiles * variants * channels * side**2 * itemsize

"""Colours of classes: the user's for pictures, our own for diffusion.

Masks are diffused in a *generation palette* of far-apart codes in [-1, 1]: in the dataset's own colours a
small autoencoder confuses classes (mask IoU 0.33 against 0.85 when measured).
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from landloom.raster.labels import IGNORE


def generation_palette(classes: int, channels: int) -> NDArray[np.float32]:
    """Codes (K, C) in [-1, 1], chosen greedily so that the smallest distance between two is large.

    With 2^C >= K the codes are corners of the cube; otherwise points of the coarsest grid that has K points.
    """
    levels = 2
    while levels**channels < classes:
        levels += 1
    axis = np.linspace(-1, 1, levels, dtype=np.float32)
    if levels == 2 and channels > 10:  # a few hundred corners are plenty to choose from
        count = max(classes, 256)
        bits = (np.arange(count)[:, None] >> (np.arange(channels) % count.bit_length())) & 1
        grid = np.where(bits == 1, np.float32(1), np.float32(-1))
    else:
        grid = np.array(list(itertools.product(axis, repeat=channels)), np.float32)
    chosen = [0]
    nearest = np.full(len(grid), np.inf)
    while len(chosen) < classes:
        nearest = np.minimum(nearest, ((grid - grid[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(nearest.argmax()))
    return grid[chosen]


def paint(mask: NDArray[np.uint8], palette: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour class indices (..., H, W) with codes (K, C): (..., C, H, W); ignored pixels become 0."""
    table = np.zeros((256, palette.shape[1]), np.float32)
    table[: len(palette)] = palette
    return np.moveaxis(table[mask], -1, -3)


def distances(image: NDArray[np.float32], palette: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distance (K, H, W) of each pixel of (C, H, W) to each code (K, C)."""
    return np.asarray(((image[None] - palette[:, :, None, None]) ** 2).sum(1), np.float32)


def nearest(image: NDArray[np.float32], palette: NDArray[np.float32]) -> tuple[NDArray[np.uint8], float]:
    """Class indices (H, W) of the nearest codes to (C, H, W), and the mean distance to them."""
    distance = distances(image, palette)
    return distance.argmin(0).astype(np.uint8), float(np.sqrt(distance.min(0)).mean())


def rgb(mask: NDArray[np.uint8], colors: list[str]) -> NDArray[np.uint8]:
    """Picture (H, W, 3) of a mask in the user's colours; ignored pixels are white."""
    table = np.full((256, 3), 255, np.uint8)
    table[: len(colors)] = [parse(c) for c in colors]
    assert len(colors) <= IGNORE
    return table[mask]


def table(colors: list[str]) -> dict[int, tuple[int, int, int, int]]:
    """Colour table (RGBA by class index) of a raster of classes; ignored pixels are transparent."""
    return {i: (*parse(color), 255) for i, color in enumerate(colors)} | {IGNORE: (0, 0, 0, 0)}


def parse(color: str) -> tuple[int, int, int]:
    """Red, green and blue of '#rrggbb'."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)

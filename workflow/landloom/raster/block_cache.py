"""GDAL's cache of decoded blocks: what windows share, and no more.

Left to itself it takes a twentieth of the machine's memory, whatever is read. Windows that are read row by
row share blocks with their neighbours. A file in strips, whose blocks are as wide as itself, must keep all of
one row of windows, or each strip is decoded once for every window.
"""

from contextlib import AbstractContextManager

import numpy as np
import rasterio

from landloom.raster.reader import SceneReader

LEAST = 64 * 10**6
"""Bytes that are held in any case: the blocks of a few windows."""


def shared(scene: SceneReader, height: int) -> int:
    """Bytes of the strips, with their mask, that a row of windows of a height shares."""
    strips = [f for f in scene.files if f.block_shapes[0][1] >= f.width]
    pixels = [f.width * (height + f.block_shapes[0][0]) for f in strips]
    depths = [1 + sum(np.dtype(t).itemsize for t in f.dtypes) for f in strips]
    return sum(n * depth for n, depth in zip(pixels, depths, strict=True))


def bounded(size: int) -> AbstractContextManager[object]:
    """Hold so many bytes at most. GDAL asks once in a process, before the first block is read."""
    return rasterio.Env(GDAL_CACHEMAX=max(LEAST, size))

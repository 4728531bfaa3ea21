"""Classes of a whole image of any size: windows that overlap by half, blended as for scores.

Rows of windows are looked at from above to below; what lies above the next row is final. Wide images
are taken some columns at a time, so that memory is bounded.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import nn

from landloom.data.statistics import Statistics
from landloom.raster.labels import IGNORE
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window, starts
from landloom.runtime import progress
from landloom.segmentation import predict
from landloom.segmentation.blending import BLENDED_BYTES, weights

Part = tuple[int, int, NDArray[np.uint8]]
"""Row and column of the upper left pixel, and class indices (h, w) from there."""


def classes(model: nn.Module, statistics: Statistics, image: SceneReader) -> Iterator[Part]:
    """Yield the classes of an image in parts that cover it once; they may reach over its lower edge.

    Args:
        model: maps images (B, C, H, W) to logits (B, K, H, W).
        statistics: of the tiles that it has learned from; they say how large a window is.
        image: what is looked at. Pixels without data get IGNORE.
    """
    columns = (
        max(1, BLENDED_BYTES // (4 * (len(statistics.classes) + 1) * statistics.size**2)) * statistics.size
    )
    for first in range(0, image.width, columns):
        yield from _strip(model, statistics, image, first, min(first + columns, image.width))


def _strip(
    model: nn.Module, statistics: Statistics, image: SceneReader, first: int, last: int
) -> Iterator[Part]:
    size = statistics.size
    rows = starts(image.height, size, size // 2, pad=True)
    columns = [c for c in starts(image.width, size, size // 2, pad=True) if first - size < c < last]
    pairs = pairwise([*rows, rows[-1] + size])
    sums = np.zeros((len(statistics.classes), size, last - first), np.float32)
    known, own = np.zeros(sums.shape[1:], bool), weights(size)
    for row, following in progress.shown(pairs, f"rows of {image.scene.name}", len(rows)):
        read = {c: image.read_image_mirrored(Window(row, c, size, size)) for c in columns}
        for column, found in predict.over(model, statistics, ((c, i) for c, (i, _) in read.items())):
            a, b = max(column, first), min(column + size, last)
            here, there = slice(a - first, b - first), slice(a - column, b - column)
            sums[:, :, here] += found[:, :, there] * own[:, there]
            known[:, here] |= read[column][1][:, there]
        done = following - row
        yield row, first, np.where(known, sums.argmax(0), IGNORE).astype(np.uint8)[:done]
        for held in (sums, known[None]):
            held[:, :-done] = held[:, done:]
            held[:, -done:] = 0

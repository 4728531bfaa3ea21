"""Images of any size made finer: windows that overlap by half are blended, a row of them at a time.

Each window has noise of its own place, so an image is the same whatever lies beside it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landloom.data import coarse_images
from landloom.data.batches import batches
from landloom.data.canvas import weights
from landloom.data.coarse_images import Coarse
from landloom.data.samples import Meta, Sample
from landloom.data.statistics import Statistics
from landloom.diffusion.inpainting import Paint
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.raster.windows import Window, starts
from landloom.runtime import progress

Read = Callable[[Window], tuple[NDArray[Any], NDArray[np.bool_]]]
"""Gives the bands (C, h, w) of a window of the coarse image, and where they hold data (h, w)."""

Tell = Callable[[Window], Sample]
"""Gives what is known of a window of the fine image, which may reach beyond it."""


class Rows(NamedTuple):
    """Finished rows of the fine image: the first one, values (C, h, W), and where they hold data (h, W)."""

    row: int
    values: NDArray[Any]
    valid: NDArray[np.bool_]


def enlarged(
    height: int,
    width: int,
    factor: int,
    dataset: Statistics,
    read: Read,
    paint: Paint,
    seed: int,
    batch: int,
    told: Tell,
) -> Iterator[Rows]:
    """Yield the rows of the fine image, from above to below; blocks have the means of the coarse pixels.

    Args:
        height: of the coarse image in pixels.
        width: of the coarse image in pixels.
        factor: fine pixels along the side of a coarse one.
        dataset: statistics of the tiles that the generator learned from.
        read: gives windows of the coarse image, mirrored outside of it.
        paint: the generator.
        seed: together with its place it gives the noise of each window.
        batch: windows made at once.
        told: what else the generator is told of a window of the fine image, such as ``untold``.
    """
    side = dataset.size // factor
    rows, columns = (starts(n, side, side // 2, pad=True) for n in (height, width))
    total = np.zeros((len(dataset.low) + 1, dataset.size, (columns[-1] + side) * factor), np.float32)
    own = weights(dataset.size, dataset.size // 2)
    pairs = pairwise([*rows, rows[-1] + side])
    for row, following in progress.shown(pairs, "rows of windows", len(rows)):
        windows = [Window(row, c, side, side) for c in columns]
        for part in batches(len(windows), batch):
            asked = [asked_for(w, factor, read, seed, told) for w in windows[part]]
            made = paint(asked, [s.seed or 0 for s in asked], None)
            for window, image in zip(windows[part], made, strict=True):
                here = slice(window.col * factor, (window.col + side) * factor)
                total[:-1, :, here] += own * image
                total[-1, :, here] += own
        done = min(following, height) - row
        yield finished(total[:, : done * factor, : width * factor], row, factor, dataset, read)
        step = (following - row) * factor
        total = np.concatenate([total[:, step:], np.zeros_like(total[:, :step])], 1)


def asked_for(window: Window, factor: int, read: Read, seed: int, told: Tell) -> Sample:
    """What the generator is told of a window: its coarse pixels, and what is known of its fine ones."""
    number = int(np.random.SeedSequence([seed, window.row, window.col]).generate_state(1)[0])
    fine = told(Window(*(n * factor for n in window)))
    return replace(fine, seed=number, layers=coarse_images.layers(*read(window)))


def untold(meta: Meta | None = None) -> Tell:
    """Tells of any window that no class is known, and metadata."""

    def told(window: Window) -> Sample:
        mask = codec.encode(np.full((window.height, window.width), IGNORE, np.uint8))
        return Sample(f"{window.row}_{window.col}", mask, meta=meta)

    return told


def finished(total: NDArray[np.float32], row: int, factor: int, dataset: Statistics, read: Read) -> Rows:
    """Blended rows in the dataset's own units, in agreement with the coarse image."""
    count, wide = total.shape[1] // factor, total.shape[2] // factor
    means, valid = read(Window(row, 0, count, wide))
    image = dataset.unscale(total[:-1] / total[-1:])
    known = valid.astype(np.float64)
    made = coarse_images.agreeing(image, Coarse(np.where(valid, means, 0).astype(np.float64), known), factor)
    return Rows(row * factor, made, valid.repeat(factor, 0).repeat(factor, 1))

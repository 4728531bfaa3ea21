"""Holes in images of any size, painted a tile at a time, with a look at all that was there before.

Windows overlap by half, and each paints only the hole in its own middle, so every pixel of a hole is painted
once and has at least a quarter of a tile of surroundings, unless the image ends there.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from landloom.data import kept_pixels
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.raster import codec
from landloom.raster.windows import Window, starts

Image = NDArray[Any]
Bools = NDArray[np.bool_]
Paint = Callable[[Sequence[Sample], Sequence[int], None], NDArray[np.float32]]
"""Makes images (B, C, H, W) in [-1, 1] of samples with their seeds."""


class View(NamedTuple):
    """What there is to see in a window (H, W), mirrored or unknown outside of the image.

    Attributes:
        image: (C, H, W), with what was painted before.
        valid: where the image holds data.
        mask: class indices.
        hole: what is to be painted.
    """

    image: Image
    valid: Bools
    mask: NDArray[np.uint8]
    hole: Bools


class Painted(NamedTuple):
    """New pixels: ``values`` (C, h, w) of a window, of which those ``where`` (h, w) are to be taken."""

    window: Window
    values: Image
    where: Bools


def painted(
    height: int, width: int, dataset: Statistics, look: Callable[[Window], View], paint: Paint, seed: int
) -> Iterator[Painted]:
    """Yield what to put into an image; each part must be there before the next is asked for.

    Args:
        height: of the image in pixels.
        width: of the image in pixels.
        dataset: statistics of the tiles that the generator learned from.
        look: gives what a window shows.
        paint: the generator.
        seed: together with its place it gives the noise of each window.
    """
    for window, own in owned(height, width, dataset.size):
        view = look(window)
        top, left = own.row - window.row, own.col - window.col
        inside = np.s_[top : top + own.height, left : left + own.width]
        where = view.hole[inside]
        if not where.any():
            continue
        known = view.valid & (~view.hole | earlier(window, own))
        number = int(np.random.SeedSequence([seed, window.row, window.col]).generate_state(1)[0])
        layers = kept_pixels.layers(view.image, known) if known.any() else []
        sample = Sample(f"{window.row}_{window.col}", codec.encode(view.mask), seed=number, layers=layers)
        made = dataset.unscale(paint([sample], [number], None)[0])
        yield Painted(own, made[:, *inside], where)


def owned(height: int, width: int, size: int) -> Iterator[tuple[Window, Window]]:
    """Windows of ``size`` pixels, row by row, and the part of the image that each paints."""
    for row, top, bottom in axis(height, size):
        for col, left, right in axis(width, size):
            yield Window(row, col, size, size), Window(top, left, bottom - top, right - left)


def axis(length: int, size: int) -> list[tuple[int, int, int]]:
    """Along one axis: where windows begin, and from where to where each paints; together that is all."""
    begins = starts(length, size, size // 2, pad=True)
    cuts = [0, *((a + b + size) // 2 for a, b in pairwise(begins)), length]
    return list(zip(begins, cuts, cuts[1:], strict=False))


def earlier(window: Window, own: Window) -> Bools:
    """Which pixels (H, W) of a window belong to parts that were painted before its own."""
    rows = window.row + np.arange(window.height)[:, None]
    columns = window.col + np.arange(window.width)
    return (rows < own.row) | ((rows < own.row + own.height) & (columns < own.col))


def thin(hole: Bools, cell: int) -> bool:
    """Whether no part of a hole (H, W) is as wide as a latent cell of so many pixels."""
    inner = np.pad(hole, 1)  # the edge of a window is no edge of the hole, but a square there is found anyway
    return bool(hole.any() and 2 * distance_transform_edt(inner).max() < cell)

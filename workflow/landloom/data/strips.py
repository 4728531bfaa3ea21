"""Windows of a canvas blended to strips, from above to below: of any height in the memory of one row."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from landloom.data.batches import batches
from landloom.data.canvas import Canvas, Floats, starts, wave
from landloom.raster.windows import Window

Work = Callable[[Sequence[Window]], Iterable[Floats]]
"""What a batch of windows, at global places, shows: (c, size, size) each."""


@dataclass(frozen=True)
class Lattice:
    """The windows of a canvas, and the strips that they are blended to.

    Attributes:
        canvas: what is wanted; windows may reach over its edges.
        size: side of a window.
        stride: from one window to the next; at most ``size``.
    """

    canvas: Canvas
    size: int
    stride: int

    @cached_property
    def extent(self) -> Canvas:
        """What its windows cover."""
        return self.canvas.extent(self.size, self.stride)

    @cached_property
    def rows(self) -> list[int]:
        """Global rows at which windows begin."""
        return starts(self.canvas.row, self.canvas.height, self.size, self.stride)

    @cached_property
    def cols(self) -> list[int]:
        """Global columns at which windows begin."""
        return starts(self.canvas.col, self.canvas.width, self.size, self.stride)

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.rows) * len(self.cols)

    @cached_property
    def strips(self) -> list[Window]:
        """Rectangles as wide as the extent that follow each other: one ends where its row of windows does."""
        ends = [*self.rows[1:], self.rows[-1] + self.size]
        return [
            Window(a, self.cols[0], b - a, self.extent.width) for a, b in zip(self.rows, ends, strict=True)
        ]

    def scaled(self, factor: int) -> "Lattice":
        """The same, of cells that are ``factor`` pixels wide, in pixels."""
        c = self.canvas
        height, width, row, col = (n * factor for n in (c.height, c.width, c.row, c.col))
        pixels = Canvas(height, width, c.seed, row, col)
        return Lattice(pixels, self.size * factor, self.stride * factor)


def blended(lattice: Lattice, work: Work, batch: int, first: int = 0, scale: int = 1) -> Iterator[Floats]:
    """Yield the strips (c, h, w) from the number ``first`` on, as weighted means of their windows.

    Windows are worked on in full batches, of which the last is filled up with its last window: last bits
    depend on the shape of a batch. So a strip is the same bytes, whatever strip was the first.

    Args:
        lattice: the windows.
        work: what windows show.
        batch: windows at once.
        first: number of the first strip that is wanted.
        scale: how many times as large what ``work`` shows is.
    """
    big = lattice.scaled(scale)
    down, across = (_shares(at, big) for at in (big.rows, big.cols))
    begin = max(0, first - (-(-lattice.size // lattice.stride) - 1))
    wanted = [Window(r, c, lattice.size, lattice.size) for r in lattice.rows[begin:] for c in lattice.cols]
    found = _each(wanted, work, batch)
    sums = None
    for number in range(begin, len(lattice.rows)):
        for place, share in enumerate(across):
            shown = next(found)
            if sums is None:
                sums = np.zeros((len(shown), big.size, big.extent.width), np.float32)
            left = place * big.stride
            sums[:, :, left : left + big.size] += shown * np.outer(down[number], share).astype(np.float32)
        assert sums is not None
        done = lattice.strips[number].height * scale
        if number >= first:
            yield sums[:, :done].copy()
        sums = np.concatenate([sums[:, done:], np.zeros_like(sums[:, :done])], 1)


def _shares(places: Sequence[int], lattice: Lattice) -> list[NDArray[np.float64]]:
    """Share (size,) of each window in the weights along one axis; 1, exactly, where it is alone."""
    own = wave(lattice.size, lattice.stride)
    total = np.zeros(places[-1] - places[0] + lattice.size)
    for at in places:
        total[at - places[0] :][: lattice.size] += own
    return [own / total[at - places[0] :][: lattice.size] for at in places]


def _each(windows: Sequence[Window], work: Work, batch: int) -> Iterator[Floats]:
    for part in batches(len(windows), batch):
        some = list(windows[part])
        filled = some + [some[-1]] * (batch - len(some))
        for _, shown in zip(some, work(filled), strict=False):
            yield shown

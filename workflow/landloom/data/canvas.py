"""Canvases: samples larger than a tile. Where their windows lie, and random numbers that a place keeps.

Two canvases of one world (equal seed and stride) that overlap have windows in common, and any window of them
the same random numbers, in whatever order and on whatever machine they are drawn: each number follows from
the seed, a step and the global place alone (counters of Philox; Salmon et al. 2011).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from landloom.raster.windows import Window

Floats: TypeAlias = NDArray[np.float32]

BLOCK = 64
"""Side of the blocks of which each has its own counter. Another one gives other numbers."""
WORD = 2**64 - 1


@dataclass(frozen=True)
class Canvas:
    """A rectangle of an endless world, in pixels or, where it says so, in latent cells.

    Attributes:
        height: rows.
        width: columns.
        seed: of the world.
        row: upper edge, counted from the origin of the world; may be negative.
        col: left edge, likewise.
        crs: coordinate system (WKT or authority code) or None.
        transform: six affine coefficients, from pixel (0, 0) of the canvas itself to the map, or None.
    """

    height: int
    width: int
    seed: int
    row: int = 0
    col: int = 0
    crs: str | None = None
    transform: list[float] | None = None

    def windows(self, size: int, stride: int) -> Iterator[Window]:
        """Square windows that cover it, row by row, at global rows and columns; see ``starts``.

        At most ``size - 1`` pixels of one lie outside. A canvas of one tile that begins on the lattice has
        one window.
        """
        for row in starts(self.row, self.height, size, stride):
            for col in starts(self.col, self.width, size, stride):
                yield Window(row, col, size, size)

    def extent(self, size: int, stride: int) -> "Canvas":
        """The canvas that its windows cover: itself, or more where edges lie beside the lattice."""
        rows, cols = (
            starts(a, n, size, stride) for a, n in ((self.row, self.height), (self.col, self.width))
        )
        return self.at(Window(rows[0], cols[0], rows[-1] - rows[0] + size, cols[-1] - cols[0] + size))

    def grown(self, margin: int) -> "Canvas":
        """With a margin on all sides."""
        size = self.height + 2 * margin, self.width + 2 * margin
        return self.at(Window(self.row - margin, self.col - margin, *size))

    def at(self, window: Window) -> "Canvas":
        """Another window, in global rows and columns, of the same world."""
        shifted = self.transform
        if shifted is not None:
            a, b, c, d, e, f = shifted
            down, right = window.row - self.row, window.col - self.col
            shifted = [a, b, c + a * right + b * down, d, e, f + d * right + e * down]
        height, width = window.height, window.width
        return replace(self, height=height, width=width, row=window.row, col=window.col, transform=shifted)

    def cells(self, factor: int) -> "Canvas":
        """In cells of ``factor`` pixels, of which its edges must be multiples; without a place on a map."""
        height, width, row, col = (n // factor for n in (self.height, self.width, self.row, self.col))
        return Canvas(height, width, self.seed, row, col)


def starts(first: int, length: int, size: int, stride: int) -> list[int]:
    """Where windows begin along one axis: as few multiples of ``stride`` as cover it, one at least."""
    begin = first // stride * stride
    more = max(0, -(-(first + length - begin - size) // stride))
    return [begin + i * stride for i in range(more + 1)]


def felt(size: int, stride: int, averagings: int) -> int:
    """How far beyond a part a canvas must reach so that the part is the same as that of a larger one.

    Pixels depend on the windows that cover them, once for each averaging and once for the decoder; and at the
    edge of a canvas the first and the last windows are missing.
    """
    beside = -(-size // stride) - 1
    return (averagings + 2) * beside * stride


def uniform(seed: int, step: int, row: int, col: int, height: int, width: int, depth: int) -> Floats:
    """Uniform numbers (depth, height, width) in [0, 1) of a window at global ``row`` and ``col``."""
    return _field((seed, step), 0, Window(row, col, height, width), depth, np.random.Generator.random)


def normal(seed: int, step: int, row: int, col: int, height: int, width: int, depth: int) -> Floats:
    """Standard normal numbers (depth, height, width) of a window at global ``row`` and ``col``."""
    window = Window(row, col, height, width)
    return _field((seed, step), 1, window, depth, np.random.Generator.standard_normal)


def _field(
    key: tuple[int, int], kind: int, window: Window, depth: int,
    draw: Callable[..., NDArray[np.float32]],
) -> Floats:  # fmt: skip
    """The window, put together from blocks; each block has its own counter and is drawn as a whole."""
    found = np.empty((depth, window.height, window.width), np.float32)
    for down in _blocks(window.row, window.height):
        for right in _blocks(window.col, window.width):
            counter = np.array([0, kind, down & WORD, right & WORD], np.uint64)
            bits = np.random.Philox(key=np.array([k & WORD for k in key], np.uint64), counter=counter)
            block = draw(np.random.Generator(bits), (depth, BLOCK, BLOCK), dtype=np.float32)
            down_here, down_there = _shared(window.row, window.height, down)
            right_here, right_there = _shared(window.col, window.width, right)
            found[:, down_here, right_here] = block[:, down_there, right_there]
    return found


def _blocks(first: int, length: int) -> range:
    """Numbers of the blocks that a stretch touches."""
    return range(first // BLOCK, -(-(first + length) // BLOCK))


def _shared(first: int, length: int, block: int) -> tuple[slice, slice]:
    """What a stretch and a block have in common, within the stretch and within the block."""
    low, high = max(first, block * BLOCK), min(first + length, (block + 1) * BLOCK)
    return slice(low - first, high - first), slice(low - block * BLOCK, high - block * BLOCK)


def weights(size: int, stride: int) -> Floats:
    """Weight of a window's pixels (size, size), highest in the middle and above 0 up to the edge.

    A raised cosine over what windows share, and flat between. Those of windows ``stride`` apart add up to 1
    where a stride is half a window or more.
    """
    along = wave(size, stride)
    return np.outer(along, along).astype(np.float32)


def wave(size: int, stride: int) -> NDArray[np.float64]:
    """``weights`` along one axis (size,)."""
    shared = min(size - stride, size // 2)
    found = np.ones(size)
    if shared:
        ramp = np.sin(np.pi * (np.arange(shared) + 0.5) / (2 * shared)) ** 2
        found[:shared], found[size - shared :] = ramp, ramp[::-1]
    return found

"""Cells of a scene that are made one by one beside finished neighbours, so that any part can be made alone.

Each cell is made together with a margin all around it, which lies over its neighbours: what is made is as
large as a tile. Cells have four colours, as squares of two by two. Those of one colour do not touch, and each
sees only what cells of earlier colours have made. So it depends on cells at most three away, however large
the scene is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

EDGE = 8
"""A margin is one part in so many of a tile. Two cells share a band of twice as much."""
COLOURS = 4


@dataclass(frozen=True)
class Lattice:
    """Cells of a scene.

    Attributes:
        height: of the scene in pixels.
        width: of the scene in pixels.
        size: side of a tile in pixels.
    """

    height: int
    width: int
    size: int

    @property
    def margin(self) -> int:
        """By how much a tile over a cell reaches over its edges."""
        return self.size // EDGE

    @property
    def cell(self) -> int:
        """Side of a cell."""
        return self.size - 2 * self.margin

    @property
    def rows(self) -> int:
        """Rows of cells; the last may reach over the scene's edge."""
        return -(-self.height // self.cell)

    @property
    def cols(self) -> int:
        """Columns of cells."""
        return -(-self.width // self.cell)

    def near(self, wanted: range, most: int, cells: int) -> range:
        """Some rows or columns, and so many more on each side as long as there are any."""
        return range(max(0, wanted.start - cells), min(most, wanted.stop + cells))

    def order(self, rows: range, cols: range) -> Iterator["Row"]:
        """The cells from which some rows and columns of cells follow, row by row, in the order of making.

        An odd row comes after both its neighbours, and in a row first the even cells, then the odd ones. What
        a cell shows depends on those beside it; one of the last colour on all around it; and so on.
        """
        every = sorted(self.near(rows, self.rows, COLOURS), key=lambda r: (r + 1 if r % 2 else r, r % 2))
        for row in every:
            found = []
            for odd in (0, 1):
                far = COLOURS - 2 * (row % 2) - odd
                if row in self.near(rows, self.rows, far):
                    found += [c for c in self.near(cols, self.cols, far) if c % 2 == odd]
            # Below, the next odd row is still to come; above an even one, the last.
            end = (row + (2 if row % 2 else -1)) * self.cell - self.margin
            yield Row(row, found, self.height if row == every[-1] else end)


class Row(NamedTuple):
    """Cells of one row.

    Attributes:
        row: its number.
        cols: their columns, in the order of making.
        end: row of pixels above which all stays as it is, once they are made.
    """

    row: int
    cols: list[int]
    end: int


class Sheet:
    """The rows of a scene that are worked on. Finished ones are handed out and forgotten.

    Args:
        lattice: the cells.
        rows: rows of cells that are wanted.
        cols: columns of cells that are wanted.
        empty: what is where nothing is yet, a value for each channel (C,).
        dtype: type of the pixels.
    """

    def __init__(
        self, lattice: Lattice, rows: range, cols: range, empty: ArrayLike, dtype: DTypeLike
    ) -> None:
        self.lattice, self.empty = lattice, np.asarray(empty, dtype)[:, None, None]
        first, across = lattice.near(rows, lattice.rows, COLOURS), lattice.near(cols, lattice.cols, COLOURS)
        self.top, self.left = (r.start * lattice.cell - lattice.margin for r in (first, across))
        self.rows = range(rows.start * lattice.cell, min(rows.stop * lattice.cell, lattice.height))
        self.cols = range(cols.start * lattice.cell, min(cols.stop * lattice.cell, lattice.width))
        self.pixels = self._blank(0, len(across) * lattice.cell + 2 * lattice.margin)

    def _blank(self, rows: int, width: int) -> NDArray[Any]:
        return np.broadcast_to(self.empty, (len(self.empty), rows, width)).copy()

    def over(self, row: int, col: int) -> NDArray[Any]:
        """The pixels (C, S, S) of a cell and its margin, to be read and written."""
        size, cell, margin = self.lattice.size, self.lattice.cell, self.lattice.margin
        y, x = row * cell - margin - self.top, col * cell - margin - self.left
        if (more := y + size - self.pixels.shape[1]) > 0:
            self.pixels = np.concatenate([self.pixels, self._blank(more, self.pixels.shape[2])], 1)
        return self.pixels[:, y : y + size, x : x + size]

    def finished(self, end: int) -> tuple[int, NDArray[Any]]:
        """Forget the rows above ``end``; return the first of them that is wanted, and all (C, H, W)."""
        first, last = (min(max(n, self.rows.start), self.rows.stop) for n in (self.top, end))
        across = slice(self.cols.start - self.left, self.cols.stop - self.left)
        found = self.pixels[:, first - self.top : last - self.top, across].copy()
        gone = max(0, min(end - self.top, self.pixels.shape[1]))
        self.pixels, self.top = self.pixels[:, gone:].copy(), self.top + gone
        return first, found

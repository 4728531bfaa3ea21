"""Masks of scenes larger than a tile, quilted from turned real ones.

Each cell of a scene gets a train tile, chosen for the class mix of the blocks that it lies on and for its fit
with the neighbours that are finished, and cut towards them along the cheapest lines (Efros and Freeman 2001).
For the order see ``data.lattice``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from landloom.copy_paste.library import Mask
from landloom.copy_paste.patches import Patch, Patches, Wanted, sides_of
from landloom.copy_paste.quilting import Shares
from landloom.copy_paste.recipes import turned
from landloom.data.lattice import Lattice, Sheet
from landloom.raster.labels import IGNORE
from landloom.ratio_control.blocks import divided

BATCH = 8
"""Cells that are cut together: quicker, and no more memory for a wider scene."""


@dataclass(frozen=True)
class Laid:
    """What was done for a row of cells.

    Attributes:
        patches: what was laid, in order.
        end: row of pixels above which all stays as it is.
        top: first finished row of pixels.
        mask: the finished rows (H, W); none, mostly, after an even row.
    """

    patches: list[Patch]
    end: int
    top: int
    mask: Mask


@dataclass(frozen=True)
class Asked:
    """What is asked of one cell.

    Attributes:
        target: its class shares (K,).
        parts: see ``Wanted``.
        seed: of its draw.
    """

    target: Shares
    parts: Sequence[tuple[tuple[slice, slice], Shares]]
    seed: Sequence[int]


def quilted(
    patches: Patches, lattice: Lattice, targets: Shares, seed: int, rows: range | None = None,
    cols: range | None = None,
) -> Iterator[Laid]:  # fmt: skip
    """Lay patches over some rows and columns of cells, all if not given: the same, whatever part it is.

    Args:
        patches: what there is to lay.
        lattice: the cells.
        targets: class shares (R, C, K) of all blocks, which are as large as a tile.
        seed: of the scene.
        rows: rows of cells.
        cols: columns of cells.
    """
    rows, cols = rows or range(lattice.rows), cols or range(lattice.cols)
    cells = divided(targets, lattice.height, lattice.width, lattice.size, lattice.cell)

    def asked(row: int, col: int) -> Asked:
        return Asked(cells[row, col], parts(targets, lattice, row, col), (seed, row, col))

    yield from laid(patches, lattice, asked, rows, cols)


def laid(
    patches: Patches, lattice: Lattice, asked: Callable[[int, int], Asked], rows: range, cols: range
) -> Iterator[Laid]:
    """Lay patches over some rows and columns of cells, each ``asked`` for something of its own."""
    sheet, tiles = Sheet(lattice, rows, cols, [IGNORE], np.uint8), dict[tuple[int, int], int]()
    for row, columns, end in lattice.order(rows, cols):
        laid = list[Patch]()
        for part in batches(sheet, row, columns, 2 * lattice.margin):
            wanted = [
                Wanted(row, c, sheet.over(row, c)[0].copy(), a.target, a.parts, a.seed, around(tiles, row, c))
                for c, a in ((c, asked(row, c)) for c in part)
            ]
            for patch in patches.chosen(wanted):
                tiles[row, patch.col] = patch.tile
                new = turned(patches.mask(patch.tile), patch.variant)
                sheet.over(row, patch.col)[0][patch.take] = new[patch.take]
                laid.append(patch)
        yield Laid(laid, end, *one(sheet.finished(end)))


def parts(targets: Shares, lattice: Lattice, row: int, col: int) -> list[tuple[tuple[slice, slice], Shares]]:
    """Where within a cell and its margin which blocks lie, and their class shares (K,)."""
    size, found = lattice.size, []
    for first in (row * lattice.cell - lattice.margin, col * lattice.cell - lattice.margin):
        border = -first % size
        both = [(slice(0, border), first // size), (slice(border, size), -(-first // size))]
        found.append([(where, block) for where, block in both if where.start < where.stop])
    last = np.array(targets.shape[:2]) - 1
    return [
        ((y, x), targets[np.clip(down, 0, last[0]), np.clip(right, 0, last[1])])
        for y, down in found[0] for x, right in found[1]
    ]  # fmt: skip


def around(tiles: Mapping[tuple[int, int], int], row: int, col: int) -> list[int]:
    """Tiles of the neighbours that are finished."""
    beside = ((row + y, col + x) for y in (-1, 0, 1) for x in (-1, 0, 1))
    return [tiles[at] for at in beside if at in tiles]


def one(found: tuple[int, NDArray[np.uint8]]) -> tuple[int, Mask]:
    """The first row, and the only channel."""
    return found[0], found[1][0]


def batches(sheet: Sheet, row: int, cols: list[int], band: int) -> Iterator[list[int]]:
    """Columns that do not see each other, and meet what is there on the same sides."""
    for odd in (0, 1):
        same = [c for c in cols if c % 2 == odd]
        found = [(c, sides_of(sheet.over(row, c)[0], band)) for c in same]
        for _, group in groupby(found, lambda pair: pair[1]):
            alike = [c for c, _ in group]
            yield from (alike[i : i + BATCH] for i in range(0, len(alike), BATCH))

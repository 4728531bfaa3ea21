"""An endless world of quilted masks, of which any part can be made alone: the same bytes, whichever it is.

What a cell is asked for follows from the seed of the world and its place (a smooth field, as neighbours are
alike in real scenes), and what it shows from that and from cells at most three away (``data.lattice``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from landloom.copy_paste.maps import Maps
from landloom.copy_paste.patches import Patches
from landloom.copy_paste.scene_images import SceneImages
from landloom.copy_paste.scene_quilting import Asked, laid
from landloom.data.canvas import WORD, normal
from landloom.data.lattice import COLOURS, Lattice
from landloom.data.statistics import Statistics
from landloom.raster.labels import IGNORE
from landloom.raster.windows import Window
from landloom.ratio_control import blocks
from landloom.ratio_control.blocks import Shares

FIELD = 2**32
"""Step of the random numbers of the field: images use small ones."""
SEEN = 64
"""Side in cells of the part by which the mean over the world is set; any other world has the same."""


@dataclass(frozen=True)
class Mixes:
    """Class shares of the cells of a world.

    Attributes:
        seed: of the world.
        real: shares (N, K) of real tiles.
        mean: shares (K,) of the world, which large parts have nearly.
        reach: how far mixes reach, in cells, see ``blocks.reach``.
        factor: of each class (K,), which gives the field this mean.
    """

    seed: int
    real: Shares
    mean: Shares
    reach: float
    factor: Shares

    @classmethod
    def of(cls, seed: int, real: Shares, mean: Shares, reach: float) -> Self:
        """Find the factors by a part of a world of its own."""
        seen = cls(0, real, mean, reach, np.ones(len(mean))).drawn(range(SEEN), range(SEEN))
        flat = seen.reshape(-1, len(mean))
        return cls(seed, real, mean, reach, blocks.factors(flat, mean, np.ones(len(flat))))

    def drawn(self, rows: range, cols: range) -> Shares:
        """Shares (R, C, K) of real tiles that lie on a smooth field, at global rows and columns of cells."""
        edge = blocks.margin(self.reach) if self.reach > 0 else 0
        size = len(rows) + 2 * edge, len(cols) + 2 * edge
        noise = normal(self.seed, FIELD, rows.start - edge, cols.start - edge, *size, self.real.shape[1])
        field = blocks.smooth(np.moveaxis(noise, 0, -1).astype(np.float64), self.reach)
        return blocks.nearest(field.reshape(-1, field.shape[2]), self.real).reshape(field.shape)

    def asked(self, rows: range, cols: range) -> Shares:
        """Shares (R, C, K) that cells are asked for."""
        found = self.drawn(rows, cols)
        return blocks.times(found.reshape(-1, found.shape[2]), self.mean, self.factor).reshape(found.shape)


class World:
    """Makes masks and their images.

    Args:
        dataset: the dataset statistics.
        maps: the train tiles.
        mixes: of its cells.
    """

    def __init__(self, dataset: Statistics, maps: Maps, mixes: Mixes) -> None:
        self.dataset, self.maps, self.mixes = dataset, maps, mixes
        self.cell = Lattice(1, 1, dataset.size).cell

    def around(self, window: Window) -> Window:
        """The smallest part made of whole pairs of cells that holds a window of pixels."""
        pair, ends = 2 * self.cell, (window.row + window.height, window.col + window.width)
        row, col = (n // pair * pair for n in (window.row, window.col))
        return Window(row, col, -(-ends[0] // pair) * pair - row, -(-ends[1] // pair) * pair - col)

    def lay(self, part: Window) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[Any]]]:
        """Yield first row, mask (H, W) and image (C, H, W) of rows of a part made of whole pairs of cells.

        Colours of the lattice are those of the world: its first cell is an even one.
        """
        up, left = (n // self.cell - COLOURS for n in (part.row, part.col))
        rows, cols = (range(COLOURS, COLOURS + n // self.cell) for n in (part.height, part.width))
        height, width = ((len(r) + 2 * COLOURS) * self.cell for r in (rows, cols))
        lattice = Lattice(height, width, self.dataset.size)
        targets = self.mixes.asked(range(up, up + lattice.rows), range(left, left + lattice.cols))
        whole = (slice(0, self.dataset.size), slice(0, self.dataset.size))

        def asked(row: int, col: int) -> Asked:
            place = [self.mixes.seed, (row + up) & WORD, (col + left) & WORD]
            return Asked(targets[row, col], [(whole, targets[row, col])], place)

        images = SceneImages(self.dataset, self.maps, lattice, rows, cols)
        patches = Patches(self.maps, lattice.margin)
        for done in laid(patches, lattice, asked, rows, cols):
            images.lay(done.patches)
            shown, gaps = images.finished(done.end)
            yield done.top - COLOURS * self.cell, np.where(gaps, np.uint8(IGNORE), done.mask), shown

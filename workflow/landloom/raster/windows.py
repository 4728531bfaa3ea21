"""Windows: where tiles are cut, and which split each one belongs to."""

from typing import NamedTuple

from landloom.config.data import Split
from landloom.config.tile import TileConfig
from landloom.errors import InputError
from landloom.scenes.splits import LEARNED, assign, withhold


class Window(NamedTuple):
    """A rectangle in a scene, in pixels; it may reach over the scene's lower and right edge."""

    row: int
    col: int
    height: int
    width: int


def windows(area: Window, size: int, stride: int, pad: bool = False) -> list[Window]:
    """Square windows over an area, row by row, none over its edge, no pixel left out.

    The last window of a row or column is moved back to end at the edge. An area smaller than a window has
    none, or with ``pad`` one that reaches over its edge.
    """
    rows = starts(area.height, size, stride, pad)
    cols = starts(area.width, size, stride, pad)
    return [Window(area.row + r, area.col + c, size, size) for r in rows for c in cols]


def starts(length: int, size: int, stride: int, pad: bool) -> list[int]:
    """Where windows begin along one side; see ``windows``."""
    if length <= size:
        return [0] if pad or length == size else []
    last = length - size
    return [*range(0, last, stride), last]


def blocks(height: int, width: int, side: int, size: int) -> list[Window]:
    """Grid of split blocks over a scene; a rest too small for a tile joins the block before it.

    Raises:
        InputError: a block cannot hold a tile.
    """
    if side < size:
        found = f"a block of {side} pixels cannot hold a tile of {size}"
        raise InputError("data.split.block", found, f"Use {size} or more, or a smaller tile.size")
    rows, cols = _cuts(height, side, size), _cuts(width, side, size)
    return [Window(r, c, h, w) for r, h in rows for c, w in cols]


def _cuts(length: int, side: int, size: int) -> list[tuple[int, int]]:
    starts = [s for s in range(0, length, side) if s == 0 or length - s >= size]
    return [(a, b - a) for a, b in zip(starts, [*starts[1:], length], strict=True)]


def areas(
    name: str, height: int, width: int, label: str, split: Split, size: int
) -> list[tuple[str, Window]]:
    """Divide a scene into areas with their splits: the scene itself, or its blocks when ``label`` is 'block'.

    Args:
        name: the scene's ground (``SceneFiles.ground``); blocks are dealt out by it.
        height: of the scene in pixels.
        width: of the scene in pixels.
        label: the scene's split, or 'block'.
        split: shares, also of labels, and seed.
        size: side of a tile in pixels.

    Raises:
        InputError: a block cannot hold a tile, or blocks are divided by names.
    """
    if label != "block":
        return [(label, Window(0, 0, height, width))]
    if isinstance(split.val, list) or isinstance(split.test, list):
        raise InputError(
            "data.split", "blocks cannot be divided by name patterns", "Give shares for val and test"
        )
    grid = {f"{name}/{b.row}/{b.col}": b for b in blocks(height, width, split.block, size)}
    labels = withhold(assign(list(grid), split.val, split.test, split.seed), split.labelled, split.seed)
    return [(labels[key], block) for key, block in grid.items()]


def tiles(
    found: list[tuple[str, Window]], config: TileConfig, buffer: int = 0, scale: int = 1
) -> list[tuple[str, Window]]:
    """Windows of all areas with their splits, in reading order; only training windows overlap by choice.

    Those of val and test hold all pixels of their areas, however small these are. Training windows, with or
    without labels, nearer than ``buffer`` pixels to an area of val or test are left out.

    At a ``scale`` above 1 windows are so many times larger, in pixels of the scene still, and begin at
    multiples of it. An area without room for one then has none, unless it is a whole scene and ``config.pad``
    is on: no window may reach out of a block, for another split may be there.
    """
    held_out = [area for label, area in found if label not in LEARNED] if buffer else []
    size, result = config.size * scale, []
    for label, area in found:
        stride = config.stride * scale if config.stride and label in LEARNED else size
        pad = config.pad or label not in LEARNED if scale == 1 else config.pad and len(found) == 1
        cut = windows(_on_lattice(area, scale), size, stride, pad)
        if label in LEARNED:
            near = [other for other in held_out if _apart(area, other) < buffer]
            cut = [w for w in cut if not any(_apart(w, other) < buffer for other in near)]
        result += [(label, window) for window in cut]
    return sorted(result, key=lambda pair: pair[1][:2])


def _on_lattice(area: Window, scale: int) -> Window:
    """The part of an area that whole blocks of ``scale`` pixels of the scene fill."""
    row, col = -(-area.row // scale) * scale, -(-area.col // scale) * scale
    down, across = area.row + area.height - row, area.col + area.width - col
    return Window(row, col, max(0, down // scale * scale), max(0, across // scale * scale))


def _apart(one: Window, other: Window) -> int:
    """Pixels between two windows that do not overlap, along the axis on which they are farther apart."""
    down = max(one.row - other.row - other.height, other.row - one.row - one.height)
    across = max(one.col - other.col - other.width, other.col - one.col - one.width)
    return max(down, across)

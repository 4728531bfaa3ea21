"""What a centre-point detector learns from the objects of a tile: peaks of heat, and a box at each of them.

A peak has the shape of its box: a Gaussian along and across it, as wide as in TTFNet (Liu et al. 2020,
"Training-Time-Friendly Network for Real-Time Object Detection").
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landloom.detection.boxes import Array, Kind, boxes
from landloom.detection.networks import STRIDE, cells

SPREAD = 0.54 / 6
"""Standard deviation of a peak, of the side of its box."""
NARROWEST = 0.5
"""Least standard deviation of a peak, cells."""
NEARLY = 0.999
"""Heat of what is neither to be found nor to be missed: no peak, and next to no loss when it is found."""


class Targets(NamedTuple):
    """What is to be found in one tile.

    Attributes:
        heat: (K, h, w), 1 at the cell of each object's centre.
        cells: row and column of those cells (N, 2).
        boxes: what the head shall say there (N, 6), see ``networks.Heads``; 4 for level boxes.
        angled: how much each angle tells (N,): 0 for a square, towards 1 for a thin box.
    """

    heat: NDArray[np.float32]
    cells: NDArray[np.int64]
    boxes: NDArray[np.float32]
    angled: NDArray[np.float32]


def targets(
    corners: Array,
    categories: NDArray[Any],
    difficult: NDArray[np.bool_],
    classes: int,
    size: int,
    kind: Kind,
) -> Targets:
    """Targets of a tile.

    Args:
        corners: of its objects (N, 4, 2), pixels.
        categories: class of each (N,).
        difficult: whether each is left out (N,); so is one whose centre lies outside the tile.
        classes: number of classes, K.
        size: of the tile, pixels.
        kind: of the boxes.
    """
    found, side = boxes(corners, kind), cells(size)
    places = found[:, :2] / STRIDE
    cell = np.floor(places).astype(np.int64)
    inside = ((found[:, :2] >= 0) & (found[:, :2] < size)).all(1)
    wanted = inside & ~difficult
    heat = np.zeros((classes, side, side), np.float32)
    for box, at, category, whole in zip(found, cell, categories, wanted, strict=True):
        _peak(heat[category], box, at, 1.0 if whole else NEARLY)
    sides = np.log(np.maximum(found[:, 2:4], 1) / STRIDE)
    heads = np.concatenate([places - cell, sides, found[:, 4:]], 1)[:, : 6 if kind == "rotated" else 4]
    angled = 1 - found[:, 3] / np.maximum(found[:, 2], 1e-6)
    return Targets(
        heat, cell[wanted][:, ::-1], heads[wanted].astype(np.float32), angled[wanted].astype(np.float32)
    )


def _peak(heat: NDArray[np.float32], box: Array, at: NDArray[np.int64], height: float) -> None:
    """Raise one class's heat (h, w) around a cell (x, y) to a Gaussian along and across a box (6,)."""
    angle = np.arctan2(box[4], box[5]) / 2
    along, across = np.maximum(box[2:4] * SPREAD / STRIDE, NARROWEST)
    reach = int(np.ceil(3 * max(along, across)))
    rows, columns = (slice(max(c - reach, 0), max(c + reach + 1, 0)) for c in at[::-1])
    part = heat[rows, columns]
    if not part.size:
        return
    y, x = np.ogrid[rows.start : rows.start + part.shape[0], columns.start : columns.start + part.shape[1]]
    x, y = x - at[0], y - at[1]
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    # The highest of all peaks holds at a cell.
    np.maximum(part, height * np.exp(-((u / along) ** 2 + (v / across) ** 2) / 2), out=part)

"""What a detector finds in images: peaks of its heat, each with a box; no other peak stands beside one."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from landloom.data.statistics import Statistics
from landloom.detection.boxes import Found, corners
from landloom.detection.networks import STRIDE, CentreNetwork, Heads
from landloom.runtime import batches
from landloom.training.loop import device

BATCH = 16
LEAST = 0.02
"""Score below which a peak is not kept: so low, because average precision looks at doubtful ones, too."""
MOST = 500
"""Peaks of a tile that are kept at most, the highest ones: far more than any tile has objects."""
Key = TypeVar("Key")


def over(
    model: CentreNetwork,
    statistics: Statistics,
    images: Iterable[tuple[Key, NDArray[Any]]],
    batch: int = BATCH,
) -> Iterator[tuple[Key, Found]]:
    """Yield what is found in images (C, H, W), each with its key; the model goes to evaluation mode."""
    model = model.to(device()).eval()
    for part in batches.of(images, batch, device().type):
        given = torch.from_numpy(np.stack([statistics.scale(image) for _, image in part]))
        # By default convolutions on a GPU keep 10 of 23 bits of what they multiply (TF32).
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            heat, boxes = (h.float().cpu() for h in model(given.to(device())))
        found = (peaks(Heads(h, b)) for h, b in zip(heat, boxes, strict=True))
        yield from zip((key for key, _ in part), found, strict=True)


def peaks(heads: Heads) -> Found:
    """Boxes at the peaks of one image's heat (K, h, w): cells that no neighbour of the class exceeds."""
    heat = heads.heat.sigmoid()
    highest = F.max_pool2d(heat, 3, 1, 1)
    flat = torch.where((heat == highest) & (heat >= LEAST), heat, 0).flatten()
    order = torch.sort(flat, descending=True, stable=True).indices[:MOST]
    order = order[flat[order] > 0]
    category, row, column = torch.unravel_index(order, heat.shape)
    found = _boxes(heads.boxes[:, row, column].T, row, column)
    return Found(corners(found.numpy()), category.numpy(), flat[order].double().numpy())


def _boxes(said: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Boxes (N, 6) of what the head says (N, 6 or 4) at some cells."""
    centre = (torch.stack([column, row], 1) + said[:, :2]) * STRIDE
    sides = said[:, 2:4].clamp(-4, 8).exp() * STRIDE
    level = torch.tensor([0.0, 1.0]).expand(len(said), 2)
    return torch.cat([centre, sides, said[:, 4:] if said.shape[1] == 6 else level], 1).double()

"""What the training loop minimises for a detector: focal loss of its heat, and the error of its boxes."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.data.symmetry import COUNT, Augment, turn_each, turn_points
from landloom.detection.networks import CentreNetwork, Heads
from landloom.detection.targets import Targets, targets
from landloom.detection.tiles import ObjectTile, ObjectTiles
from landloom.segmentation.data import scaled
from landloom.training.loop import device


class DetectionObjective:
    """Losses of a detector on tiles; see ``landloom.training.loop.Objective``.

    Args:
        module: the detector.
        tiles: images and objects.
        kind: random turns.
    """

    def __init__(self, module: CentreNetwork, tiles: ObjectTiles, kind: Augment) -> None:
        self.module: nn.Module = module
        self.kind, self.classes = module.kind, len(module.classes)
        self.tiles, self.augment, self.size = tiles, kind, len(tiles)

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to decode the tiles of the next step."""
        self.tiles.prefetch(index.tolist())

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Sum of the losses of heat, place, sides and angle, and each of them."""
        index = index.cpu()
        if len(index) == 1:  # batch norm cannot train on one tile's statistics alone: show it in two turns
            index = index.repeat(2)
        found, statistics = self.tiles.__getitems__(index.tolist()), self.tiles.statistics
        variants = torch.randint(0, COUNT[self.augment], (len(found),))
        stored = torch.from_numpy(np.stack([t.image for t in found])).to(device())
        images = scaled(stored, statistics.low, statistics.high)
        wanted = [self._targets(t, int(v)) for t, v in zip(found, variants, strict=True)]
        heads = module(turn_each(images, variants))
        return losses(Heads(heads[0].float(), heads[1].float()), wanted)

    def _targets(self, tile: ObjectTile, variant: int) -> Targets:
        size = self.tiles.statistics.size
        corners = turn_points(torch.from_numpy(tile.corners), variant, size).numpy()
        return targets(corners, tile.categories, tile.difficult, self.classes, size, self.kind)


def losses(heads: Heads, wanted: list[Targets]) -> dict[str, Tensor]:
    """Losses of a batch: of the heat per object, of the boxes as mean absolute errors over objects."""
    here = heads.heat.device
    heat = torch.from_numpy(np.stack([t.heat for t in wanted])).to(here)
    tile = torch.cat([torch.full((len(t.cells),), i) for i, t in enumerate(wanted)]).to(here)
    row, column = torch.from_numpy(np.concatenate([t.cells for t in wanted])).T.to(here)
    asked = torch.from_numpy(np.concatenate([t.boxes for t in wanted])).to(here)
    angled = torch.from_numpy(np.concatenate([t.angled for t in wanted])).to(here)
    count = max(len(asked), 1)
    gap = (heads.boxes[tile, :, row, column] - asked).abs()
    found = {
        "heat": focal(heads.heat, heat) / count,
        "place": gap[:, :2].sum() / count,
        "sides": gap[:, 2:4].sum() / count,
        "angle": (gap[:, 4:].sum(1) * angled).sum() / count,
    }
    return {"loss": torch.stack([*found.values()]).sum()} | found


def focal(logits: Tensor, heat: Tensor) -> Tensor:
    """Focal loss of heat maps, summed (Law and Deng 2018, "CornerNet", equation 1, alpha 2 and beta 4)."""
    likely, likely_not = F.logsigmoid(logits), F.logsigmoid(-logits)
    hit = likely_not.exp() ** 2 * likely
    missed = (1 - heat) ** 4 * likely.exp() ** 2 * likely_not
    return -torch.where(heat == 1, hit, missed).sum()

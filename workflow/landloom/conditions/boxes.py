"""Boxes of objects, through the hint's door: what shall stand where, and at which angle.

After AeroGen (Tang et al. 2024), which has a token for each of at most 15 objects. Here they are drawn, so
any number of them is told, instances that touch are told apart, and a place is told to the pixel.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from landloom.conditions.base import Embed
from landloom.conditions.box_maps import SHARED, STEPS, UNKNOWN, drawn
from landloom.conditions.of_image import OfImage
from landloom.config.boxes import KeptBoxesConfig
from landloom.data.statistics import Statistics
from landloom.errors import InputError


class Boxes(OfImage):
    """Maps of objects (B, K + 3, H, W) in steps of 1/254 (``box_maps.drawn``); 255 where nobody looked.

    A sample without objects is known to have none; one of which nobody knows objects is told nothing.

    Args:
        classes: names of the classes of objects (K,).
        size: side of a tile.
        dropout: share of samples that learn without it.
    """

    name = "boxes"

    def __init__(self, classes: Sequence[str], size: int, dropout: float) -> None:
        shared = ["depth", "sine of twice the angle", "cosine of twice the angle", "known"]
        super().__init__(torch.tensor(UNKNOWN, dtype=torch.uint8), dropout, Drawn(), [*classes, *shared])
        self.classes, self.size = list(classes), size

    @classmethod
    def of(cls, section: KeptBoxesConfig, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset.

        Raises:
            InputError: nobody looked for objects in them.
        """
        if not dataset.objects:
            remedy = "Give data.objects, and cut them again"
            raise InputError("image_train.boxes", "the tiles have no lists of objects", remedy)
        return cls([c.name for c in dataset.objects], dataset.size, dropout)

    def taken(self, sample: Any) -> Tensor:
        """Maps (K + 3, H, W) of a sample's objects, nowhere known if nobody looked for any.

        Raises:
            InputError: one is of a class that is not there.
        """
        if sample.objects is None:
            return self.untaken
        last = len(self.classes) - 1
        if wrong := sorted({o.category for o in sample.objects if not 0 <= o.category <= last}):
            found = f"has an object of class {wrong[0]}, but the model learned the classes 0 to {last}"
            raise InputError(sample.id, found, "Give objects of the classes of the training, in their order")
        return torch.from_numpy(drawn(sample.objects, len(self.classes), self.size))

    @property
    def untaken(self) -> Tensor:
        """Maps (K + 3, H, W), nowhere known."""
        return self.null.expand(len(self.classes) + SHARED, self.size, self.size)

    def _one(self, sample: Any) -> Tensor:
        if self.field(sample, "objects") is not None:
            return self.taken(sample)
        remedy = "Take masks of real tiles or layouts (label_sample.source: real or layout)"
        return self._without(sample, "has no list of objects", remedy)

    def turn(self, raw: Tensor, variants: Tensor) -> Tensor:
        """Turned like the image, and angles with it.

        A mirror turns the sign of the sine, a quarter turn those of sine and cosine.
        """
        turned = super().turn(raw, variants)
        mirrors, quarters = variants % 2, variants // 2
        signs = torch.stack([mirrors + quarters, quarters], 1) % 2 == 1
        angles = turned[:, -2:]
        other = torch.where(angles == UNKNOWN, UNKNOWN, STEPS - angles)
        swapped = torch.where(signs.to(raw.device)[..., None, None], other, angles)
        return torch.cat([turned[:, :-2], swapped], 1)

    def settings(self) -> dict[str, Any]:
        """Rate, classes and side of a tile."""
        return super().settings() | {"classes": self.classes, "size": self.size}

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Boxes for a sampler."""
        return cls(**{k: settings[k] for k in ("classes", "size", "dropout")})


class Drawn(nn.Module):
    """Classes and depth from 0 to 1, angles from -1 to 1, and where objects are known; it has no weights."""

    def forward(self, raw: Tensor) -> Tensor:
        """Channels (B, K + 4, H, W), zero where nothing is known, of steps (B, K + 3, H, W)."""
        known, scaled = (raw[:, :1] != UNKNOWN).float(), raw.float() / STEPS
        return torch.cat([scaled[:, :-2] * known, (scaled[:, -2:] * 2 - 1) * known, known], 1)

"""A map of the ground, through the hint's door: roads, houses and other features from vector data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from landloom.conditions.base import Embed, Host, Training
from landloom.conditions.of_image import OfImage
from landloom.config.image_train import ImageTrainConfig
from landloom.config.map import KeptMapConfig
from landloom.data import map_layer
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster.map_drawing import STEPS, UNKNOWN


class Map(OfImage):
    """Share of each class of a map at each pixel (B, K, H, W) in steps of 1/254; 255 where it is not known.

    An empty map is zeros, and known; a sample without a map is told nothing.

    Args:
        classes: names of the classes (K,).
        size: side of a tile, for samples that have no map.
        dropout: share of samples that learn without it.
    """

    name = "map"

    def __init__(self, classes: Sequence[str], size: int, dropout: float) -> None:
        super().__init__(torch.tensor(UNKNOWN, dtype=torch.uint8), dropout, Drawn(), [*classes, "known"])
        self.classes, self.size = list(classes), size

    @classmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """Of image generators that have its section.

        Raises:
            InputError: the tiles have no map.
        """
        if isinstance(section, ImageTrainConfig) and section.map is not None and not host.dataset.map:
            raise InputError("image_train.map", "the tiles have no map", "Give data.map, and cut them again")
        return super().told(section, host)

    @classmethod
    def of(cls, section: KeptMapConfig, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset."""
        return cls(dataset.map, dataset.size, dropout)

    def taken(self, sample: Any) -> Tensor:
        """The map (K, H, W) of a sample, nowhere known if it has none.

        Raises:
            InputError: it has other classes or another size than the tiles.
        """
        found = map_layer.of(sample)
        if found is None:
            return self.untaken
        wanted = (len(self.classes), self.size, self.size)
        if found.shape != wanted or found.dtype != np.uint8:
            what = f"its map is {found.dtype} of {found.shape}, but the model learned uint8 of {wanted}"
            raise InputError(sample.id, what, "Draw it with the legend and the tile size of the training")
        return torch.from_numpy(found)

    @property
    def untaken(self) -> Tensor:
        """A map (K, H, W), nowhere known."""
        return self.null.expand(len(self.classes), self.size, self.size)

    def _one(self, sample: Any) -> Tensor:
        self.field(sample, "layer")
        if map_layer.of(sample) is None:
            return self._without(sample, "has no map", "Take masks of real tiles (label_sample.source: real)")
        return self.taken(sample)

    def settings(self) -> dict[str, Any]:
        """Rate, classes and side of a tile."""
        return super().settings() | {"classes": self.classes, "size": self.size}

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """A map for a sampler."""
        return cls(**{k: settings[k] for k in ("classes", "size", "dropout")})


class Drawn(nn.Module):
    """Shares from 0 to 1, zero where nothing is known, and where it is, as channels; it has no weights."""

    def forward(self, raw: Tensor) -> Tensor:
        """Channels (B, K + 1, H, W) of steps (B, K, H, W)."""
        known = (raw[:, :1] != UNKNOWN).float()
        return torch.cat([raw.float() / STEPS * known, known], 1)

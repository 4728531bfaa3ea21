"""Edges of an image, through the hint's door: where what is generated shall change, whatever is there."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from landloom.conditions.base import Embed
from landloom.conditions.edge_maps import STEPS, UNKNOWN, Finder
from landloom.conditions.of_image import OfImage
from landloom.config.edges import EdgeConfig
from landloom.data.statistics import Statistics


class Edges(OfImage):
    """Strength of the edge at each pixel (B, H, W) in steps of 1/254; 255 where it is not known.

    Args:
        finder: what finds them.
        size: side of a tile, for samples that have no image.
        dropout: share of samples that learn without it.
    """

    name = "edges"

    def __init__(self, finder: Finder, size: int, dropout: float) -> None:
        null = torch.tensor(UNKNOWN, dtype=torch.uint8)
        super().__init__(null, dropout, Known(), ["strength of the edge", "known"])
        self.finder, self.size = finder, size

    @classmethod
    def of(cls, section: EdgeConfig, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset."""
        own = section.kind, section.sigma, section.weights
        return cls(Finder(*own, dataset.low, dataset.high, dataset.rgb), dataset.size, dropout)

    def taken(self, sample: Any) -> Tensor:
        """Strengths (H, W)."""
        return torch.from_numpy(self.finder(sample.image_array()))

    @property
    def untaken(self) -> Tensor:
        """Strengths (H, W), none of them known."""
        return self.null.expand(self.size, self.size)

    def settings(self) -> dict[str, Any]:
        """Rate, side of a tile, and how edges are found."""
        return super().settings() | {"size": self.size, "finder": asdict(self.finder)}

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Edges for a sampler."""
        return cls(Finder(**settings["finder"]), settings["size"], settings["dropout"])


class Known(nn.Module):
    """Strength from 0 to 1 and whether it is known, as channels; it has no weights."""

    def forward(self, raw: Tensor) -> Tensor:
        """Channels (B, 2, H, W) of strengths (B, H, W)."""
        known = (raw != UNKNOWN).float()
        return torch.stack([raw.float() / STEPS * known, known], 1)

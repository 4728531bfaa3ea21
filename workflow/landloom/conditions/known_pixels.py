"""Pixels that are known already, through the hint's door: the rest is painted to fit them (in-painting)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.conditions.base import Embed
from landloom.conditions.of_image import OfImage
from landloom.config.known_pixels import KeptPixelsConfig, KnownPixelsConfig
from landloom.data import holes, kept_pixels
from landloom.data.statistics import Statistics, scale
from landloom.data.symmetry import turn_each

UNKNOWN = 255
STEPS = 254
"""The upper limit of a band; 0 is the lower one."""


class KnownPixels(OfImage):
    """Known pixels (B, C, H, W) in steps of 1/254 between the bands' limits; 255 where a pixel is hidden.

    Nothing of a hidden pixel is in the tensor. Training hides a new hole of a tile each time it is seen;
    samplers take the sample's layers (``data.kept_pixels``).

    Args:
        low: value of each band (C,), in the image's own units, that becomes -1.
        high: value of each band (C,) that becomes 1.
        size: side of a tile, for samples of which nothing is known.
        dropout: share of samples that learn without it.
        drawn: how training draws holes; None where nothing is trained.
    """

    name = "known_pixels"

    def __init__(
        self, low: Sequence[float], high: Sequence[float], size: int, dropout: float,
        drawn: KnownPixelsConfig | None = None,
    ) -> None:  # fmt: skip
        null = torch.tensor(UNKNOWN, dtype=torch.uint8)
        names = [*(f"band {i}" for i in range(1, len(low) + 1)), "known"]
        super().__init__(null, dropout, Shown(), names)
        self.low, self.high, self.size, self.drawn = low, high, size, drawn

    @classmethod
    def of(cls, section: KeptPixelsConfig, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset."""
        drawn = section if isinstance(section, KnownPixelsConfig) else None
        return cls(dataset.low, dataset.high, dataset.size, dropout, drawn)

    def taken(self, sample: Any) -> Tensor:
        """All pixels with data (C, H, W) of the sample's own image."""
        image = sample.image_array()
        return torch.from_numpy(steps(image, np.isfinite(image).all(0), self.low, self.high))

    @property
    def untaken(self) -> Tensor:
        """Pixels (C, H, W), none of them known."""
        return self.null.expand(len(self.low), self.size, self.size)

    def _one(self, sample: Any) -> Tensor:
        self.field(sample, "layer")
        kept = kept_pixels.of(sample)
        if kept is not None:
            return torch.from_numpy(steps(*kept, self.low, self.high))
        return self._without(sample, f"has no layer '{self.name}'", "Give it the layer")

    def practised(self, rows: Mapping[str, Tensor], variants: Tensor) -> Tensor:
        """Tiles with a hole each, turned, some not told."""
        raw = self.cached(rows)
        if self.drawn is not None:
            hidden = holes.drawn(rows["mask"], self.drawn.holes, self.drawn.least, self.drawn.most)
            raw = torch.where(hidden[:, None].to(raw.device), self.null.to(raw), raw)
        return self.practise(turn_each(raw, variants))

    def settings(self) -> dict[str, Any]:
        """Rate, limits of the bands and side of a tile."""
        return super().settings() | {"low": self.low, "high": self.high, "size": self.size}

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Known pixels for a sampler."""
        return cls(**{k: settings[k] for k in ("low", "high", "size", "dropout")})


class Shown(nn.Module):
    """Pixels from -1 to 1, zero where hidden, and whether they are known, as channels; it has no weights."""

    def forward(self, raw: Tensor) -> Tensor:
        """Channels (B, C + 1, H, W) of steps (B, C, H, W)."""
        known = (raw[:, :1] != UNKNOWN).float()
        return torch.cat([(raw.float() * (2 / STEPS) - 1) * known, known], 1)


def steps(
    values: NDArray[Any], known: NDArray[np.bool_], low: Sequence[float], high: Sequence[float]
) -> NDArray[np.uint8]:
    """Values (C, H, W) in steps of 1/254 between the limits of each band; 255 where not ``known`` (H, W)."""
    found = np.rint((scale(values, low, high) + 1) * (STEPS / 2)).astype(np.uint8)
    return np.where(known, found, np.uint8(UNKNOWN))

"""Edges of an image, through the hint's door: where what is generated shall change, whatever is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude
from torch import Tensor, nn

from landloom.conditions.base import Embed
from landloom.conditions.of_image import OfImage
from landloom.config.edges import EdgeConfig
from landloom.data.statistics import Statistics, scale

UNKNOWN = 255
STEPS = 254
"""An edge as strong as can be; 0 is none."""


class Edges(OfImage):
    """Strength of the edge at each pixel (B, H, W) in steps of 1/254; 255 where it is not known.

    Args:
        sigma: width of the Gaussian in pixels.
        low: value of each band (C,), in the image's own units, that becomes -1.
        high: value of each band (C,) that becomes 1.
        size: side of a tile, for samples that have no image.
        dropout: share of samples that learn without it.
    """

    name = "edges"

    def __init__(
        self, sigma: float, low: Sequence[float], high: Sequence[float], size: int, dropout: float
    ) -> None:
        null = torch.tensor(UNKNOWN, dtype=torch.uint8)
        super().__init__(null, dropout, Known(), ["strength of the edge", "known"])
        self.sigma, self.low, self.high, self.size = sigma, low, high, size

    @classmethod
    def of(cls, section: EdgeConfig, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset."""
        return cls(section.sigma, dataset.low, dataset.high, dataset.size, dropout)

    def taken(self, sample: Any) -> Tensor:
        """Strengths (H, W)."""
        return torch.from_numpy(strength(sample.image_array(), self.sigma, self.low, self.high))

    @property
    def untaken(self) -> Tensor:
        """Strengths (H, W), none of them known."""
        return self.null.expand(self.size, self.size)

    def settings(self) -> dict[str, Any]:
        """Rate, width of the Gaussian, limits of the bands and side of a tile."""
        own = {"sigma": self.sigma, "low": self.low, "high": self.high, "size": self.size}
        return super().settings() | own

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Edges for a sampler."""
        return cls(**{k: settings[k] for k in ("sigma", "low", "high", "size", "dropout")})


class Known(nn.Module):
    """Strength from 0 to 1 and whether it is known, as channels; it has no weights."""

    def forward(self, raw: Tensor) -> Tensor:
        """Channels (B, 2, H, W) of strengths (B, H, W)."""
        known = (raw != UNKNOWN).float()
        return torch.stack([raw.float() / STEPS * known, known], 1)


def strength(
    image: NDArray[Any], sigma: float, low: Sequence[float], high: Sequence[float]
) -> NDArray[np.uint8]:
    """Strength (H, W) of the edge at each pixel in steps of 1/254; 255 where the image holds no data.

    It is the magnitude of the gradient of the smoothed image, of the band in which it is greatest, over that
    of a border between the band's limits. In double precision, where a turned image has turned edges.

    Args:
        image: (C, H, W) in its own units.
        sigma: width of the Gaussian in pixels.
        low: value of each band that becomes -1.
        high: value of each band that becomes 1.
    """
    known = np.isfinite(image).all(0)
    scaled = np.where(known, scale(image, low, high), 0).astype(np.float64)
    # A step from -1 to 1, smoothed, is steepest at the step: twice the height of the Gaussian.
    steepest = 2 / (sigma * np.sqrt(2 * np.pi))
    found = np.max([gaussian_gradient_magnitude(band, sigma) for band in scaled], 0) / steepest
    steps = np.rint(np.round(np.clip(found, 0, 1) * STEPS, 6)).astype(np.uint8)
    return np.where(known, steps, np.uint8(UNKNOWN))

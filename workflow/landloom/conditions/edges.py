"""Edges of an image, through the hint's door: where what is generated shall change, whatever is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude
from torch import Tensor, nn

from landloom.conditions.base import Condition, Embed, Host, Training
from landloom.config.encode import EncodeConfig
from landloom.data import samples
from landloom.data.statistics import Statistics, scale
from landloom.data.symmetry import turn_each
from landloom.errors import InputError

UNKNOWN = 255
STEPS = 254
"""An edge as strong as can be; 0 is none."""


class Edges(Condition):
    """Strength of the edge at each pixel (B, H, W) in steps of 1/254; 255 where it is not known.

    Args:
        sigma: width of the Gaussian in pixels.
        low: value of each band (C,), in the image's own units, that becomes -1.
        high: value of each band (C,) that becomes 1.
        size: side of a tile, for samples that have no image.
        dropout: share of samples that learn without it.
    """

    name = "edges"
    door = "hint"

    def __init__(
        self, sigma: float, low: Sequence[float], high: Sequence[float], size: int, dropout: float
    ) -> None:
        null = torch.tensor(UNKNOWN, dtype=torch.uint8)
        super().__init__(null, dropout, Known(), ["strength of the edge", "known"])
        self.sigma, self.low, self.high, self.size = sigma, low, high, size

    @classmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """Of image generators with a section ``edges``."""
        own = getattr(section, cls.name, None)
        return None if own is None else cls.of(own.sigma, host.dataset, own.dropout)

    @classmethod
    def of(cls, sigma: float, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset."""
        return cls(sigma, dataset.low, dataset.high, dataset.size, dropout)

    @classmethod
    def recorded(cls, section: EncodeConfig, dataset: Statistics, tiles: Sequence[Path]) -> Tensor | None:
        """Of all tiles, if the section asks for it."""
        if section.edges is None:
            return None
        own = cls.of(section.edges.sigma, dataset, 0)
        rows = [own.load([tile]) for tile in samples.read(tiles, split="train")]
        return torch.cat(rows) if rows else own.null.new_zeros(0, own.size, own.size)

    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """What ``recorded`` made of the tiles."""
        return rows[self.name]

    def load(self, samples: Sequence[Any]) -> Tensor:
        """Of the samples' own images; a sample without an image is told nothing.

        Raises:
            InputError: there is no image, and training always showed one.
        """
        return torch.stack([self._strength(s) for s in samples])

    def _strength(self, sample: Any) -> Tensor:
        if self.field(sample, "image") is not None:
            return torch.from_numpy(strength(sample.image_array(), self.sigma, self.low, self.high))
        if not self.dropout:
            found = f"has no image yet, which the condition '{self.name}' of the model always was told"
            remedy = "Take masks of real tiles (label_sample.source: real), or train with a dropout above 0"
            raise InputError(getattr(sample, "id", "sample"), found, remedy)
        return self.null.expand(self.size, self.size)

    def turn(self, raw: Tensor, variants: Tensor) -> Tensor:
        """Turned like the image."""
        return turn_each(raw, variants)

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

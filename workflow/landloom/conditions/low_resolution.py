"""A coarse image, through the hint's door: what is generated shall agree with it (super-resolution)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.conditions.base import Embed
from landloom.conditions.of_image import OfImage
from landloom.config.low_resolution import CoarseConfig
from landloom.data import coarse_images
from landloom.data.statistics import Statistics, scale


class LowResolution(OfImage):
    """Means of square blocks of the image and the share of each block that holds data (B, C + 1, h, w).

    Not told is zero in every channel, the last one too: no block is known.

    Args:
        factor: side of a block in pixels.
        low: value of each band (C,), in the image's own units, that becomes -1.
        high: value of each band (C,) that becomes 1.
        side: blocks along a side of a tile, for samples that have no image.
        dropout: share of samples that learn without it.
    """

    name = "low_resolution"

    def __init__(
        self, factor: int, low: Sequence[float], high: Sequence[float], side: int, dropout: float
    ) -> None:
        names = [*(f"mean of band {i}" for i in range(1, len(low) + 1)), "known"]
        super().__init__(torch.zeros(len(names), 1, 1), dropout, Enlarged(factor), names)
        self.factor, self.low, self.high, self.side = factor, low, high, side

    @classmethod
    def of(cls, section: CoarseConfig, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset."""
        return cls(section.factor, dataset.low, dataset.high, dataset.size // section.factor, dropout)

    def taken(self, sample: Any) -> Tensor:
        """Blocks (C + 1, h, w)."""
        return torch.from_numpy(blocks(sample.image_array(), self.factor, self.low, self.high))

    def _one(self, sample: Any) -> Tensor:
        if not (hasattr(sample, "layer") and sample.layer(coarse_images.LAYER)):
            return super()._one(sample)
        found = coarse_images.of(sample, self.factor, self.side)
        assert found is not None
        scaled = np.where(found.known > 0, scale(found.means, self.low, self.high), 0)
        return torch.from_numpy(np.concatenate([scaled, found.known[None]]).astype(np.float32))

    @property
    def untaken(self) -> Tensor:
        """Blocks (C + 1, h, w), none of them known."""
        return self.null.expand(-1, self.side, self.side)

    def settings(self) -> dict[str, Any]:
        """Rate, size of a block, limits of the bands, and blocks of a tile."""
        own = {"factor": self.factor, "low": self.low, "high": self.high, "side": self.side}
        return super().settings() | own

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Coarse images for a sampler."""
        return cls(**{k: settings[k] for k in ("factor", "low", "high", "side", "dropout")})


class Enlarged(nn.Module):
    """Brings coarse images back to the size of the tile, bilinearly; it has no weights."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, raw: Tensor) -> Tensor:
        """Channels (B, C + 1, H, W) of blocks (B, C + 1, h, w)."""
        return F.interpolate(raw, scale_factor=self.factor, mode="bilinear", align_corners=False)


def blocks(
    image: NDArray[Any], factor: int, low: Sequence[float], high: Sequence[float]
) -> NDArray[np.float32]:
    """Means (C, h, w) of the finite pixels of blocks in [-1, 1], and the share of them (1, h, w).

    Summed in double precision, where the order of the pixels, which a turn changes, makes no difference.

    Args:
        image: (C, H, W) in its own units.
        factor: side of a block in pixels.
        low: value of each band that becomes -1.
        high: value of each band that becomes 1.
    """
    known = np.isfinite(image).all(0, keepdims=True)
    scaled = np.where(known, scale(image, low, high), 0)

    def summed(x: NDArray[Any]) -> NDArray[np.float64]:
        bands, height, width = x.shape
        parts = x.astype(np.float64).reshape(bands, height // factor, factor, width // factor, factor)
        return np.asarray(parts.sum((2, 4)))

    count = summed(known)
    means = summed(scaled) / np.maximum(count, 1)
    return np.concatenate([means, count / factor**2]).astype(np.float32)

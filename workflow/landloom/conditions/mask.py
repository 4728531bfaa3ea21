"""The mask, through the hint's door: one channel per class."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from landloom.conditions.base import Condition, Embed, Host, Training
from landloom.config.image_train import ImageTrainConfig
from landloom.data.symmetry import turn_each
from landloom.raster.labels import IGNORE


class Mask(Condition):
    """Class indices (B, H, W), one-hot at the door. Not told is IGNORE everywhere: zero in every channel.

    Args:
        classes: number of classes.
        dropout: share of samples that learn without a mask.
        coarse: share of masks shown in blocks, because generated masks are rougher than real ones.
        block: side of these blocks in pixels.
        names: of the classes.
    """

    name = "mask"
    door = "hint"

    def __init__(
        self, classes: int, dropout: float = 0.0, coarse: float = 0.0, block: int = 1,
        names: Sequence[str] = (),
    ) -> None:  # fmt: skip
        names = names or [f"class {i}" for i in range(classes)]
        super().__init__(torch.tensor(IGNORE, dtype=torch.uint8), dropout, OneHot(classes), names)
        self.classes, self.coarse, self.block = classes, coarse, block

    @classmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """Of every image generator."""
        if not isinstance(section, ImageTrainConfig):
            return None
        names = host.dataset.names
        return cls(len(names), coarse=section.coarse, block=section.coarse_block, names=names)

    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """The masks."""
        return rows["mask"]

    def load(self, samples: Sequence[Any]) -> Tensor:
        """The samples' masks, which must be of one size."""
        return torch.from_numpy(np.stack([self.field(s, "mask_array")() for s in samples]))

    def turn(self, raw: Tensor, variants: Tensor) -> Tensor:
        """Turned like the image."""
        return turn_each(raw, variants)

    def practise(self, raw: Tensor) -> Tensor:
        """Some in blocks, some not told; no random number is drawn for a rate of 0."""
        shown = self.blocks(raw) if self.coarse else raw
        return super().practise(shown) if self.dropout else shown

    def blocks(self, raw: Tensor) -> Tensor:
        """Masks (B, H, W), a share of them in blocks, each of the class of its upper left pixel."""
        place = torch.arange(raw.shape[-1]) // self.block * self.block
        chosen = torch.rand(len(raw)) < self.coarse
        return torch.where(chosen[:, None, None], raw[:, place][:, :, place], raw)

    def settings(self) -> dict[str, Any]:
        """Rate and number of classes."""
        return super().settings() | {"classes": self.classes}

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Masks for a sampler: as they are."""
        return cls(settings["classes"], settings["dropout"], names=settings["channels"])


class OneHot(nn.Module):
    """``one_hot`` as a module without weights."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, mask: Tensor) -> Tensor:
        """Channels (B, K, H, W) of class indices (B, H, W)."""
        return one_hot(mask, self.classes)


def one_hot(mask: Tensor, classes: int) -> Tensor:
    """Class indices (B, H, W) to one-hot floats (B, K, H, W); ignored pixels are zero in every channel.

    All zeros, the null of this condition, is thus what "no class known" looks like in training too.
    """
    numbers = torch.arange(classes, dtype=mask.dtype, device=mask.device)
    return (mask[:, None] == numbers[:, None, None]).float()


def fractions(mask: Tensor, classes: int, cells: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Class shares per latent cell (B, K, h, w), and the share of pixels with a class (B, 1, h, w)."""
    hot = one_hot(mask, classes)
    pooled = torch.nn.functional.adaptive_avg_pool2d(hot, cells)
    known = pooled.sum(1, keepdim=True)
    return pooled / known.clamp_min(1e-6), known

"""What every base model has in common, and what a family must say of itself.

The words of one text are one tensor (T, D): its tokens, and behind them, where a family has one, the pooled
vector of the text in rows of its own. So they are cached, left out for guidance and kept in model folders as
one thing.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    ControlNetModel,
    DDPMScheduler,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    SD3ControlNetModel,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.raster.palette import generation_palette
from landloom.runtime import phases

Network: TypeAlias = UNet2DConditionModel | SD3Transformer2DModel
Control: TypeAlias = ControlNetModel | SD3ControlNetModel
Schedule: TypeAlias = DDPMScheduler | FlowMatchEulerDiscreteScheduler


@dataclass
class Bundle(ABC):
    """The parts of one base model; the fields are called as in its folder.

    Attributes:
        vae: autoencoder.
        scheduler: noise schedule, by its own config.
        pipeline: of diffusers, which loads the folder and what is trained for it.
        denoiser: name of the field with the denoiser's network.
        control: class of ControlNets.
        precise: whether the autoencoder stays in fp32 whatever the others are in.
        paints: whether ControlNets see a mask painted in the palette; one channel a class otherwise.
    """

    vae: AutoencoderKL | AutoencoderDC
    scheduler: Schedule

    pipeline: ClassVar[type[DiffusionPipeline]]
    denoiser: ClassVar[str]
    control: ClassVar[type[ControlNetModel] | type[SD3ControlNetModel]]
    precise: ClassVar[bool] = False
    paints: ClassVar[bool] = False

    @property
    def network(self) -> Network:
        """The network that denoises latents."""
        found: Network = getattr(self, self.denoiser)
        return found

    @property
    def parts(self) -> dict[str, Any]:
        """Parts and settings by name, as the pipeline takes them; None where an optional part is missing."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def channels(self) -> int:
        """Image channels of the autoencoder."""
        return int(self.vae.config.in_channels)

    @property
    def factor(self) -> int:
        """How many pixels make one latent cell, per side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def cell(self) -> int:
        """How many pixels make one cell of the network's first layer, per side."""
        return self.factor

    @property
    @abstractmethod
    def time(self) -> int:
        """Width of the denoiser's time embedding."""

    def palette(self, classes: int) -> NDArray[np.float32]:
        """Generation palette (K, C) of this base."""
        return generation_palette(classes, self.channels)

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Bundle":
        """Move the networks; freeze them."""
        for name, part in self.parts.items():
            if isinstance(part, nn.Module):
                own = torch.float32 if self.precise and name == "vae" else dtype
                part.to(device=device).requires_grad_(False).eval()
                if part.dtype != own:  # a cast to its own type only warns
                    part.to(dtype=own)
        return self

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Scaled latents (B, c, h, w) of images (B, C, H, W) in [-1, 1]: the mean, no sampling."""
        found = self.vae.encode(images.to(self.vae.device, self.vae.dtype))
        latents = found.latent if isinstance(self.vae, AutoencoderDC) else found.latent_dist.mean
        return torch.as_tensor((latents - self._shift) * self.vae.config.scaling_factor)

    def decode(self, latents: Tensor) -> Tensor:
        """Images (B, C, H, W) of scaled latents; gradients pass."""
        plain = latents.to(self.vae.dtype) / self.vae.config.scaling_factor + self._shift
        return torch.as_tensor(self.vae.decode(plain).sample)

    @property
    def _shift(self) -> float:
        """What is taken from latents before they are scaled."""
        return self.vae.config.get("shift_factor") or 0.0

    def pipe(self) -> DiffusionPipeline:
        """A pipeline of diffusers with these parts."""
        return self.pipeline(**self.parts)

    @phases.during("write")
    def save(self, folder: Path) -> None:
        """Write a diffusers folder (safetensors) that the family's pipeline loads."""
        self.pipe().save_pretrained(folder)

    @classmethod
    def options(cls, index: Mapping[str, Any]) -> dict[str, Any]:
        """Fields that are no parts, read from a folder's ``model_index.json``."""
        return {}

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Tensor:
        """Words (B, T, D) of texts, tokens and pooled vector."""

    @property
    def pooled(self) -> int:
        """Width of the pooled vector; 0 where words are tokens alone."""
        return 0

    @abstractmethod
    def clock(self, network: nn.Module) -> nn.Module:
        """The layers of a network, or of its ControlNet, that embed the time: where embeddings are added."""

    @abstractmethod
    def predict(
        self, x: Tensor, t: Tensor, tokens: Tensor, pooled: Tensor, attended: Tensor | None,
        residuals: Mapping[str, Any],
    ) -> Tensor:  # fmt: skip
        """Prediction (B, c, h, w) of the network.

        Args:
            x: noisy latents (B, c, h, w).
            t: steps (B,) or one.
            tokens: (B, T, D).
            pooled: (B, P).
            attended: which tokens may be looked at (B, T); None for all.
            residuals: of the ControlNet.
        """

    @abstractmethod
    def hinted(self, control: Any, hint: Tensor) -> Tensor:
        """What a ControlNet makes of a hint (B, C, H, W) in pixels before it sees latents."""

    @abstractmethod
    def residuals(
        self, control: Any, x: Tensor, t: Tensor, tokens: Tensor, pooled: Tensor, hint: Tensor,
        strength: float,
    ) -> dict[str, Any]:  # fmt: skip
        """What a ControlNet adds, by name of the network's argument; hint as ``hinted`` made it."""

    @abstractmethod
    def controlled(self, hint: int, widths: Sequence[int]) -> Control:
        """A new ControlNet for a hint of ``hint`` channels; ``widths`` are those of its stem."""

    @abstractmethod
    def ends(self, control: Any) -> list[Any]:
        """The ControlNet's outgoing layers, which start at zero."""

    @abstractmethod
    def entrance(self, control: Any) -> nn.Module:
        """The layer that takes the ControlNet's hint; what stems of further hints answer is added to it."""

    @abstractmethod
    def stem(self, control: Any, hint: int) -> nn.Module:
        """A stem for a further hint, which ends in zeros."""

    def decoder(self) -> dict[str, nn.Parameter]:
        """Parameters of the network's own decoder by name; none where it has no such half."""
        return {}


def pack(tokens: Tensor, pooled: Tensor) -> Tensor:
    """Words (B, T + r, D): tokens (B, T, D), and a pooled vector (B, P) in as many rows as it takes."""
    rows = -(-pooled.shape[1] // tokens.shape[2])
    filled = F.pad(pooled, (0, rows * tokens.shape[2] - pooled.shape[1]))
    return torch.cat([tokens, filled.unflatten(1, (rows, -1))], 1)


def unpack(words: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Tokens (B, T, D) and pooled vector (B, size) of what ``pack`` made; all are tokens if ``size`` is 0."""
    rows = -(-size // words.shape[2])
    last = words.shape[1] - rows
    return words[:, :last], words[:, last:].flatten(1)[:, :size]

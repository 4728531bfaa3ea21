"""``base``: the latent diffusion model that everything else adapts."""

from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.model import Model
from landloom.config.training import Denoising, Parallel, Training


class VaeConfig(Training):
    """Autoencoder trained from scratch; the latent is 2^(len(channels)-1) times smaller than the image."""

    steps: int = Field(default=2500, ge=1)
    batch: int = Field(default=4, ge=1)
    lr: float = Field(default=2e-3, gt=0)

    kind: Literal["dc", "kl"] = "dc"
    """'dc' is AutoencoderDC, whose shortcuts carry pixels through from the first step, so that it learns far
    faster; 'kl' is AutoencoderKL, as Stable Diffusion has it."""
    channels: tuple[int, ...] = (16, 32, 64)
    """Channels per resolution; three give a latent four times smaller, which keeps thin classes."""
    latent: int = 4
    """Latent channels: more keep more detail, and are harder to denoise: 16 of a factor of 4 gave noise."""
    kl: float = 1e-6
    """Weight of the term that keeps latents small: Kullback-Leibler divergence, or squares for 'dc'."""
    noise: float = Field(default=0.0, ge=0)
    """Noise on latents in training, up to this many of their standard deviations: the decoder learns to make
    pictures of latents that a generator gets nearly right."""
    equivariance: float = Field(default=0.0, ge=0, le=1)
    """Share of steps whose latents are shrunk before they are decoded, to the shrunk picture (EQ-VAE,
    Kouzelis et al. 2025): latents become smoother. On one data set that made them far easier to
    generate, on another it cost the colours that tell classes apart: look at both (0.5, with noise 0.3)."""
    chroma: float = Field(default=0.0, ge=0)
    """Weight of the error of chroma, of each band against the mean of all, over 4 x 4 pixels. Few errors of
    brightness are as small as those of chroma, which are learned last: 1 where colour tells classes apart,
    with an lr of 1e-3. It costs some sharpness."""
    crop: int | None = None
    """Side of the training crops; the whole tile when absent."""

    @model_validator(mode="after")
    def _shortcuts(self) -> Self:
        if self.kind == "kl":
            return self
        if wrong := [b for a, b in pairwise(self.channels) if 4 * a % b or b % a]:
            raise ValueError(f"channels {wrong} of kind 'dc' must be 1, 2 or 4 times those before them")
        if self.channels[-1] % self.latent:
            raise ValueError(
                f"the last of channels, {self.channels[-1]}, cannot be divided by latent {self.latent}"
            )
        return self


class UnetConfig(Denoising):
    """Denoiser and text encoder trained from scratch."""

    steps: int = Field(default=1200, ge=1)
    batch: int = Field(default=32, ge=1)
    lr: float = Field(default=2e-3, gt=0)
    warmup: int = Field(default=100, ge=0)
    ema: float = Field(default=0.995, ge=0, lt=1)

    channels: tuple[int, ...] = (32, 64, 128)
    """Channels per resolution."""
    layers: int = 1
    """Residual blocks per resolution."""
    groups: int = 16
    """Groups of the group norms."""
    head: int = 32
    """Channels of one attention head; small ones are slow on CPUs."""
    text_width: int = 64
    """Width of the text encoder."""
    text_layers: int = 2
    """Layers of the text encoder."""
    prediction: Literal["v_prediction", "epsilon"] = "v_prediction"
    """What the denoiser predicts; v keeps masks and images apart at small sizes."""

    @model_validator(mode="after")
    def _groups(self) -> Self:
        if wrong := [c for c in self.channels if c % self.groups]:
            raise ValueError(f"channels {wrong} cannot be divided by groups {self.groups}")
        if wrong := [c for c in self.channels[1:] if c % self.head]:
            raise ValueError(f"channels {wrong} cannot be divided by head {self.head}")
        return self


class BaseConfig(Model, Parallel):
    """Settings of the base model."""

    source: str = "scratch"
    """'scratch', or a diffusers folder, or a hub id such as 'stable-diffusion-v1-5/stable-diffusion-v1-5', of
    Stable Diffusion (1 or 2), Stable Diffusion XL or Stable Diffusion 3 (or 3.5)."""
    augment: Literal["none", "flip", "d4"] = "d4"
    """Turned and mirrored copies for training: none, 2 mirrors, or all 8 of the square."""
    masks: bool = True
    """Learn painted masks beside images, for 'scratch', and encode them; masks by LoRA need it, 'categorical'
    ones do not."""
    vae: VaeConfig = VaeConfig()
    """Autoencoder, for 'scratch'."""
    unet: UnetConfig = UnetConfig()
    """Denoiser, for 'scratch'."""

    @property
    def gpus(self) -> int:
        """One per process, if there is something to train."""
        return self.processes if self.source == "scratch" else 0

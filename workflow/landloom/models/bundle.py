"""A base model: the parts of a Stable Diffusion pipeline, loaded and saved as a diffusers folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from logging import LogRecord, getLogger
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    DDPMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging

from landloom.errors import InputError
from landloom.raster.palette import generation_palette

logging.disable_progress_bar()  # a bar per loaded file hides the lines that matter


def _matters(record: LogRecord) -> bool:
    """Not the warning of the key that is in AutoencoderDC's config for StableDiffusionPipeline."""
    return "block_out_channels" not in record.getMessage()


getLogger("diffusers.configuration_utils").addFilter(_matters)


@dataclass
class Bundle:
    """Autoencoder, denoiser, text encoder, tokenizer and noise schedule."""

    vae: AutoencoderKL | AutoencoderDC
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDPMScheduler

    @property
    def channels(self) -> int:
        """Image channels of the autoencoder."""
        return int(self.vae.config.in_channels)

    @property
    def factor(self) -> int:
        """How many pixels make one latent cell, per side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def time(self) -> int:
        """Width of the denoiser's time embedding."""
        return int(self.unet.time_embedding.linear_2.out_features)

    def palette(self, classes: int) -> NDArray[np.float32]:
        """Generation palette (K, C) of this base."""
        return generation_palette(classes, self.channels)

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Bundle":
        """Move the networks; freeze them."""
        for part in (self.vae, self.unet, self.text_encoder):
            kind = {} if part.dtype == dtype else {"dtype": dtype}  # a cast to its own type only warns
            part.to(device=device, **kind).requires_grad_(False).eval()
        return self

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Token ids (B, T), padded and cut to the encoder's length."""
        found = self.tokenizer(
            list(texts), padding="max_length", truncation=True,
            max_length=self.tokenizer.model_max_length, return_tensors="pt",
        )  # fmt: skip
        return torch.as_tensor(found.input_ids)

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """Text embeddings (B, T, D)."""
        device = self.text_encoder.device
        return torch.as_tensor(self.text_encoder(self.tokens(texts).to(device))[0])

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Scaled latents (B, c, h, w) of images (B, C, H, W) in [-1, 1]: the mean, no sampling."""
        found = self.vae.encode(images.to(self.vae.device, self.vae.dtype))
        latents = found.latent if isinstance(self.vae, AutoencoderDC) else found.latent_dist.mean
        return torch.as_tensor(latents * self.vae.config.scaling_factor)

    def decode(self, latents: Tensor) -> Tensor:
        """Images (B, C, H, W) of scaled latents; gradients pass."""
        return torch.as_tensor(self.vae.decode(latents / self.vae.config.scaling_factor).sample)

    def save(self, folder: Path) -> None:
        """Write a diffusers folder (safetensors) that StableDiffusionPipeline loads."""
        StableDiffusionPipeline(
            vae=self.vae, text_encoder=self.text_encoder, tokenizer=self.tokenizer, unet=self.unet,
            scheduler=self.scheduler, safety_checker=None, feature_extractor=None,
            requires_safety_checker=False,
        ).save_pretrained(folder)  # fmt: skip


def autoencoder(folder: Path) -> type[AutoencoderKL] | type[AutoencoderDC]:
    """Class of the autoencoder in a folder; Stable Diffusion's when the folder does not say."""
    try:
        named = json.loads((folder / "config.json").read_text()).get("_class_name")
    except (OSError, ValueError, AttributeError):
        named = None
    return AutoencoderDC if named == "AutoencoderDC" else AutoencoderKL


def load(folder: Path) -> Bundle:
    """Load a diffusers folder: local files and safetensors only.

    Raises:
        InputError: a part is missing or cannot be read.
    """
    parts = {
        "vae": autoencoder(folder / "vae"), "unet": UNet2DConditionModel, "text_encoder": CLIPTextModel,
        "tokenizer": CLIPTokenizer, "scheduler": DDPMScheduler,
    }  # fmt: skip
    loaded = {}
    for name, kind in parts.items():
        weights = {"use_safetensors": True} if name in ("vae", "unet", "text_encoder") else {}
        try:
            loaded[name] = kind.from_pretrained(folder / name, local_files_only=True, **weights)
        except (OSError, ValueError, SafetensorError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(
                folder / name, f"cannot be loaded: {first}", "Give a complete diffusers folder"
            ) from None
    return Bundle(**loaded)

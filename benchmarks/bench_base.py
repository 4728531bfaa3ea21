"""A base with random weights, and tiles for it, of the size that suits the device.

On a CPU as in config/dubai.yaml: 128 px, latents 32 x 32 x 4, fp32. On a GPU Stable Diffusion 1.5 (Rombach et
al. 2022): 512 px, latents 64 x 64 x 4, bf16; its rows end with '_gpu'.
"""

import io

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from landloom.config.base import UnetConfig, VaeConfig
from landloom.diffusion.latent_cache import LatentCache
from landloom.models import scratch
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.orchestration.unweighted_networks import SD15
from landloom.training.loop import device

FULL = torch.cuda.is_available()
CLASSES, COUNT, THREADS = 6, 64, 2
SIDE, FACTOR, PRECISION = (512, 8, "bf16") if FULL else (128, 4, "fp32")
SUFFIX = "_gpu" if FULL else ""
CAPTIONS = [f"aerial image, {10 + i}% road, {60 - i}% land, 5% water" for i in range(COUNT)]


def bundle(seed: int = 0) -> StableDiffusion:
    """The base, on the device, frozen."""
    torch.manual_seed(seed)
    tokens = scratch.tokenizer(CAPTIONS)
    made = full(tokens) if FULL else small(tokens)
    made.to(device())
    return made


def small(tokens: CLIPTokenizer) -> StableDiffusion:
    """The base of config/dubai.yaml."""
    vae = VaeConfig(kind="kl", channels=(16, 32, 48))
    unet = UnetConfig(channels=(32, 64, 128), groups=8)
    return StableDiffusion(
        vae=scratch.vae(vae, 3, SIDE), unet=scratch.unet(unet, vae.latent, SIDE // FACTOR),
        text_encoder=scratch.text_encoder(unet, tokens), tokenizer=tokens, scheduler=scratch.scheduler(unet),
    )  # fmt: skip


def full(tokens: CLIPTokenizer) -> StableDiffusion:
    """Stable Diffusion 1.5, but for its tokenizer."""
    return StableDiffusion(
        vae=AutoencoderKL(**SD15["vae"]), unet=UNet2DConditionModel(**SD15["unet"]),
        text_encoder=CLIPTextModel(CLIPTextConfig(**SD15["text"])), tokenizer=tokens,
        scheduler=scratch.scheduler(UnetConfig()),
    )  # fmt: skip


def pixels(seed: int = 0) -> tuple[list[bytes], NDArray[np.uint8]]:
    """Images as PNG, and masks (N, H, W): blocks of classes with some noise."""
    rng = np.random.default_rng(seed)
    cell = SIDE // 8
    masks = rng.integers(0, CLASSES, (COUNT, 8, 8)).repeat(cell, 1).repeat(cell, 2).astype(np.uint8)
    noisy = 40 * masks[..., None] + rng.normal(20, 8, (COUNT, SIDE, SIDE, 3))
    return [png(image) for image in noisy.clip(0, 255).astype(np.uint8)], masks


def png(array: NDArray[np.uint8]) -> bytes:
    """An image (H, W, 3) or mask (H, W) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def scaled(file: bytes) -> Tensor:
    """An image file as (3, H, W) in [-1, 1], as the example scripts make it: opened, scaled, shifted."""
    image = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"), np.float32) / 255
    return torch.from_numpy(image).movedim(-1, 0).contiguous() * 2 - 1


@torch.no_grad()
def cached(model: StableDiffusion, images: list[bytes], masks: NDArray[np.uint8]) -> LatentCache:
    """What ``encode`` keeps of these tiles, with nothing turned."""
    latents = torch.cat([model.encode(scaled(i)[None].to(device())).cpu() for i in images])[:, None]
    text = torch.cat([model.embed([""]), model.embed(CAPTIONS)]).cpu()
    row, ratios = torch.arange(COUNT) + 1, torch.full((COUNT, CLASSES), 1 / CLASSES)
    return LatentCache(
        latents, latents, torch.from_numpy(masks), ratios, row, row, text, [str(i) for i in range(COUNT)]
    )  # fmt: skip


def copied(module: nn.Module) -> dict[str, Tensor]:
    """Trained parameters, to go back to."""
    return {n: p.detach().clone() for n, p in module.named_parameters() if p.requires_grad}


def back(module: nn.Module, before: dict[str, Tensor]) -> None:
    """Give trained parameters the values they had."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name in before:
                parameter.copy_(before[name])

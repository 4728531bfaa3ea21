"""A base of the size of config/dubai.yaml with random weights, and tiles: 128 px, latents 32 x 32 x 4."""

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from landloom.config.base import UnetConfig, VaeConfig
from landloom.diffusion.latent_cache import LatentCache
from landloom.models import scratch
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.training.loop import device

CLASSES, SIDE, COUNT, THREADS = 6, 128, 64, 2
CAPTIONS = [f"aerial image, {10 + i}% road, {60 - i}% land, 5% water" for i in range(COUNT)]


def bundle(seed: int = 0) -> StableDiffusion:
    """The base, on the device, frozen."""
    torch.manual_seed(seed)
    vae, unet = VaeConfig(kind="kl", channels=(16, 32, 48)), UnetConfig(channels=(32, 64, 128), groups=8)
    tokens = scratch.tokenizer(CAPTIONS)
    made = StableDiffusion(
        vae=scratch.vae(vae, 3, SIDE), unet=scratch.unet(unet, vae.latent, SIDE // 4),
        text_encoder=scratch.text_encoder(unet, tokens), tokenizer=tokens,
        scheduler=scratch.scheduler(unet),
    )  # fmt: skip
    made.to(device())
    return made


def pixels(seed: int = 0) -> tuple[list[bytes], NDArray[np.uint8]]:
    """Images as PNG, and masks (N, H, W): blocks of classes with some noise."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, CLASSES, (COUNT, 8, 8)).repeat(16, 1).repeat(16, 2).astype(np.uint8)
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

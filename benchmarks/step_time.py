"""Time of one training step of each kind, at the sizes of the default run, all in one process.

python benchmarks/step_time.py [--repeats 5]

Prints the smallest time over the repeats, and its ratio to a LoRA step without the proportion-aware loss.
"""

import argparse
import time
from collections.abc import Callable

import torch
from peft import LoraConfig

from landloom.conditions.group import Conditions
from landloom.conditions.mask import Mask
from landloom.conditions.text import Text
from landloom.config.base import UnetConfig, VaeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig, ProportionLoss
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.latent_cache import LatentCache
from landloom.diffusion.objective import DenoisingObjective
from landloom.models import scratch
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.ratio_control.proportion import LatentProbe, ProportionTerm, decoded
from landloom.training.loop import Objective, device

CLASSES, BANDS, SIDE, BATCH = 7, 5, 64, 16


def bundle(head: int) -> StableDiffusion:
    """An untrained base of the default run's size."""
    vae_config, unet_config = VaeConfig(channels=(16, 32)), UnetConfig(groups=8, head=head)
    tokens = scratch.tokenizer(["satellite image, 45% forest", "segmentation map, 30% water"] * 4)
    return StableDiffusion(
        vae=scratch.vae(vae_config, BANDS, SIDE),
        unet=scratch.unet(unet_config, vae_config.latent, SIDE // 2),
        text_encoder=scratch.text_encoder(unet_config, tokens),
        tokenizer=tokens,
        scheduler=scratch.scheduler(unet_config),
    ).to(device())


def cache() -> LatentCache:
    """Random latents."""
    latents = torch.randn(BATCH, 1, 4, SIDE // 2, SIDE // 2)
    labels = torch.randint(0, CLASSES, (BATCH, SIDE, SIDE), dtype=torch.uint8)
    ratios = torch.full((BATCH, CLASSES), 1 / CLASSES)
    row = torch.zeros(BATCH, dtype=torch.long)
    ids = [str(i) for i in range(BATCH)]
    return LatentCache(latents, latents, labels, ratios, row, row, torch.randn(1, 77, 64), ids)


def base(head: int) -> Objective:
    """All weights of denoiser and text encoder."""
    model = bundle(head)
    model.unet.requires_grad_(True)
    model.text_encoder.requires_grad_(True)
    tokens = model.tokens(["satellite image, 45% forest"] * BATCH)
    told = Denoiser(model, Conditions([Text(tokens, "caption", 0.1, model.text_encoder)]))
    return DenoisingObjective(told, model.scheduler, cache().images, cache().columns, UnetConfig().min_snr)


def lora(route: str | None) -> Objective:
    """LoRA, with a route of the proportion-aware loss or none."""
    model = bundle(32)
    model.unet.add_adapter(LoraConfig(r=16, target_modules=LabelTrainConfig().targets))
    routes: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "probe": LatentProbe(4, CLASSES).to(device()).requires_grad_(False).proportions,
        "decode": decoded(model.decode, torch.from_numpy(model.palette(CLASSES)), 0.08),
    }
    term = ProportionTerm(routes[route], ProportionLoss()) if route else None
    data = cache()
    told = Denoiser(model, Conditions([Text(data.text, "prompt", 0.1)]))
    return DenoisingObjective(told, model.scheduler, data.masks, data.columns, 5.0, term, 0.1)


def hinted() -> Objective:
    """ControlNet on the frozen base."""
    model = bundle(32)
    data, made = cache(), controlnet.build(ImageTrainConfig(), model, CLASSES).to(device())
    told = Denoiser(model, Conditions([Text(data.text, "caption", 0.1), Mask(CLASSES)]), made)
    return DenoisingObjective(told, model.scheduler, data.images, data.columns, 5.0)


def seconds(objective: Objective, repeats: int) -> float:
    """Smallest time of forward and backward."""
    best, index = float("inf"), torch.arange(BATCH, device=device())
    for _ in range(repeats):
        start = time.perf_counter()
        objective.loss(objective.module, index)["loss"].backward()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    kinds = {
        "LoRA, no proportion loss": lora(None),
        "LoRA, latent probe": lora("probe"),
        "LoRA, decoder": lora("decode"),
        "base, heads of 32": base(32),
        "base, heads of 8": base(8),
        "ControlNet": hinted(),
    }
    found = {name: seconds(objective, repeats) for name, objective in kinds.items()}
    first = next(iter(found.values()))
    print(f"{torch.get_num_threads()} threads, batch {BATCH}, {SIDE} px, latent {SIDE // 2}x{SIDE // 2}x4")
    for name, value in found.items():
        print(f"{name:26s} {1000 * value:6.0f} ms  x{value / first:.2f}")


if __name__ == "__main__":
    main()

"""Mask and caption to image: a ControlNet on the frozen base."""

import shutil

import torch
from diffusers import ControlNetModel

from landloom.config.image_train import ImageTrainConfig
from landloom.dataset import Dataset
from landloom.diffusion import bundle, cache, cards
from landloom.diffusion.denoising import ImageObjective
from landloom.stage import In, Ins, Out, State
from landloom.training.loop import device, train
from landloom.training.progress import metrics_path

VERSION = 1
STEM = (16, 32, 96, 256)  # ControlNet's own widths, for a VAE that shrinks eight times


def run(
    config: ImageTrainConfig,
    seed: int,
    card: In,
    base: In,
    latents: Ins,
    state: State,
    out: Out,
    metrics: Out,
) -> None:
    """Train the ControlNet and write it as a folder that ``from_pretrained`` reads."""
    dataset = Dataset.load(card)
    model = bundle.load(base).to(device())
    torch.manual_seed(seed)
    classes = len(dataset.classes)
    channels = config.channels or stem(model.factor)
    controlnet = ControlNetModel.from_unet(
        model.unet, conditioning_embedding_out_channels=channels, conditioning_channels=classes
    ).requires_grad_(True)
    objective = ImageObjective(controlnet, model, cache.load(latents), classes, config)
    train(objective, config, seed, state, "image ControlNet")
    controlnet.save_pretrained(out)
    (out / "README.md").write_text(cards.controlnet(dataset, config))
    shutil.copy(metrics_path(state), metrics)


def stem(factor: int) -> tuple[int, ...]:
    """Widths of the hint's stem: each one after the first halves the size once."""
    return (
        STEM[: factor.bit_length()]
        if factor.bit_length() <= len(STEM)
        else STEM + (256,) * (factor.bit_length() - 4)
    )

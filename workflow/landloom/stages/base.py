"""The base model: a diffusers folder as it is, or a small one trained on the dataset's own tiles."""

import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landloom.conditions.group import Conditions
from landloom.conditions.text import Text
from landloom.config.base import BaseConfig
from landloom.config.run import DEFAULT, RunConfig
from landloom.data import pictures
from landloom.data.statistics import Statistics
from landloom.data.tensor_file import Kind
from landloom.data.tensor_rows import Chosen, Rows
from landloom.data.tensor_table import spilled
from landloom.diffusion import latent_cache
from landloom.diffusion.autoencoder import AutoencoderObjective
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import InputError
from landloom.models import bundle, scratch
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.models.hub import locate
from landloom.runtime.command_line import How, In, Ins, Out, State
from landloom.training.loop import device, train
from landloom.training.metrics_log import metrics_path

VERSION = 6
BATCH = 32
"""Pictures that are encoded together."""


def run(
    config: BaseConfig, seed: int, statistics: In, tiles: Ins, captions: Ins, state: State,
    out: Out, vae_metrics: Out, unet_metrics: Out, run: How = DEFAULT,
) -> None:  # fmt: skip
    """Make the base: link the given model, or train one from scratch.

    It learns the images of all tiles that are not held out. Masks are seen as often as images, however few.
    """
    dataset = Statistics.load(statistics)
    if config.source != "scratch":
        link(locate(config), out)
        require_channels(out, dataset)
        vae_metrics.touch()
        unet_metrics.touch()
        return
    data = pictures.load(dataset, tiles, captions, unlabelled=True)
    torch.manual_seed(seed)
    base = build(config, dataset, data)
    train_autoencoder(config, run, seed, base, dataset, data, state / "vae")
    latents, words = encoded(config, base, dataset, data, state)
    del data  # its pixels make room for latents
    train_denoiser(config, run, seed, base, latents, words, state / "unet")
    base.save(out)
    shutil.copy(metrics_path(state / "vae"), vae_metrics)
    shutil.copy(metrics_path(state / "unet"), unet_metrics)


def link(source: Path, out: Path) -> None:
    """Make ``out`` a folder of links to the model's files, so that gigabytes are not copied."""
    for file in sorted(p for p in source.rglob("*") if p.is_file()):
        target = out / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(file.resolve())


def require_channels(folder: Path, dataset: Statistics) -> None:
    """Raise InputError when the model's autoencoder does not take the dataset's bands."""
    channels = bundle.load(folder, words=False).channels
    if channels != dataset.bands:
        found = f"the model takes {channels} bands, the dataset has {dataset.bands}"
        raise InputError(
            "base.source", found, f"Set data.bands to {channels} bands, or base.source to 'scratch'"
        )


def build(config: BaseConfig, dataset: Statistics, data: pictures.Pictures) -> StableDiffusion:
    """An untrained base for the dataset."""
    vae = scratch.vae(config.vae, dataset.bands, dataset.size)
    side = dataset.size // 2 ** (len(config.vae.channels) - 1)
    tokens = scratch.tokenizer([*data.captions, *data.prompts])
    return StableDiffusion(
        vae=vae,
        unet=scratch.unet(config.unet, config.vae.latent, side),
        text_encoder=scratch.text_encoder(config.unet, tokens),
        tokenizer=tokens,
        scheduler=scratch.scheduler(config.unet),
    )


def train_autoencoder(
    config: BaseConfig, how: RunConfig, seed: int, base: StableDiffusion, dataset: Statistics,
    data: pictures.Pictures, state: Path,
) -> None:  # fmt: skip
    """Train the autoencoder on images, and painted masks if asked, then set its latent scale."""
    palette = base.palette(len(dataset.classes))
    labels = data.labels if config.masks else None
    objective = AutoencoderObjective(base.vae, data.images, labels, palette, config.vae, config.augment)
    train(objective, config.vae, how, seed, state, "base autoencoder")
    base.to(device())
    base.vae.register_to_config(scaling_factor=1.0)
    some = torch.cat([*latent_cache.encoded(base, evenly(data, palette, config.masks), "none", BATCH)])
    base.vae.register_to_config(scaling_factor=round(float(1 / some.std()), 6))


def evenly(data: pictures.Pictures, palette: NDArray[np.float32], masks: bool) -> list[Rows]:
    """About 512 pictures (N, C, H, W), spread over all images and, if asked, painted masks."""
    count = len(data.images)
    step = max(1, (2 * count if masks else count) // 512)
    turn = torch.arange(-count % step, count, step) % max(1, len(data.labels))
    painted = [Chosen(data.painted(palette), turn)] if masks else []
    return [Chosen(data.images, torch.arange(0, count, step)), *painted]


def encoded(
    config: BaseConfig, base: StableDiffusion, dataset: Statistics, data: pictures.Pictures, state: Path
) -> tuple[Rows, list[str]]:
    """Latents (N, A, c, h, w) of images, and of as many painted masks if asked, and the words of each."""
    base.to(device())
    seen: list[Rows] = [data.images]
    words = data.captions
    if config.masks:
        seen, words = [*seen, data.painted(base.palette(len(dataset.classes)))], [*words, *data.prompts]
    shape = latent_cache.shape(base, len(words), dataset.size, config.augment)
    batches = latent_cache.encoded(base, seen, config.augment, BATCH)
    latents: Rows = spilled(batches, Kind(torch.float32, shape), state, leading=2)
    count, masks = len(data.images), len(data.labels)
    if not config.masks or count == masks:
        return latents, words
    turn = torch.arange(count) % masks
    repeated = [data.prompts[i] for i in turn.tolist()]
    return Chosen(latents, torch.cat([torch.arange(count), count + turn])), [*data.captions, *repeated]


def train_denoiser(
    config: BaseConfig, how: RunConfig, seed: int, base: StableDiffusion, latents: Rows, words: list[str],
    state: Path,
) -> None:  # fmt: skip
    """Train denoiser and text encoder on latents (N, A, c, h, w) and their words."""
    base.unet.requires_grad_(True)
    base.text_encoder.requires_grad_(True)
    text = Text(base.tokens(["", *words]), "caption", config.unet.caption_dropout, base.text_encoder)
    columns = {"caption": 1 + torch.arange(len(words))}
    denoiser = Denoiser(base, Conditions([text]))
    objective = DenoisingObjective(denoiser, base.scheduler, latents, columns, config.unet.min_snr)
    train(objective, config.unet, how, seed + 1, state, "base denoiser")

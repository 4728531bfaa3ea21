"""Mask and caption to image: a ControlNet on the frozen base, or Pix2Pix or CycleGAN as a baseline."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch

from landloom.config.image_train import CycleGanConfig, ImageTrainConfig, Pix2PixConfig, TranslationConfig
from landloom.config.run import DEFAULT, RunConfig
from landloom.data import pictures
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.gan.cyclegan import Cycle, CycleGanObjective
from landloom.gan.networks import Generator, discriminator
from landloom.gan.pix2pix import Pix2PixObjective, Players
from landloom.models import cards
from landloom.runtime.command_line import How, In, Ins, Out, State
from landloom.runtime.importing import importing
from landloom.training.loop import Objective, device, train
from landloom.training.metrics_log import metrics_path

VERSION = 11
NAMES = {"pix2pix": "Pix2Pix", "cyclegan": "CycleGAN"}
Given = TypeVar("Given", Path, list[Path])


def run(
    config: ImageTrainConfig, seed: int, statistics: In, state: State, out: Out, metrics: Out,
    base: In | None = None, latents: Ins | None = None, tiles: Ins | None = None, start: In | None = None,
    run: How = DEFAULT,
) -> None:  # fmt: skip
    """Train the image generator and write it as a folder.

    ``diffusion`` reads ``base`` and ``latents``, the baselines read ``tiles``.

    Raises:
        InputError: an input of the back-end is missing, or the tiles do not fit its network.
        Interrupted: told to stop; the state is saved.
    """
    dataset = Statistics.load(statistics)
    torch.manual_seed(seed)
    if config.translation is not None:
        translation(config, config.translation, run, seed, dataset, _given("tiles", tiles), state, out)
    else:
        given = _given("base", base), _given("latents", latents), start
        diffusion(config, run, seed, dataset, *given, state, out)
    shutil.copy(metrics_path(state), metrics)


def diffusion(
    config: ImageTrainConfig, how: RunConfig, seed: int, dataset: Statistics, base: Path,
    latents: Sequence[Path], start: Path | None, state: Path, out: Path,
) -> None:  # fmt: skip
    """Train a ControlNet, from another one if ``start`` is given.

    It is written as a folder that ``from_pretrained`` reads.
    """
    with importing():  # here, since diffusers takes three seconds and the baselines do without it
        from landloom.conditions import registry
        from landloom.conditions.base import Host
        from landloom.diffusion import controlnet, latent_cache, warm_start
        from landloom.diffusion.adversarial_one_step import OneStepObjective
        from landloom.diffusion.denoiser import Denoiser
        from landloom.diffusion.objective import DenoisingObjective
        from landloom.models import bundle
    model = bundle.trained(base, "image_train", config).to(device())
    torch.manual_seed(seed)
    data = latent_cache.load(latents, ["images"])
    told = registry.told(config, Host(dataset, "caption", data.text, model.time))
    made = controlnet.build(config, model, len(told.hints[0].channels))
    denoiser = Denoiser(model, told, made, stems=controlnet.stems(model, made, told))
    objective: DenoisingObjective
    if config.objective == "one_step":
        objective = OneStepObjective(denoiser, model.scheduler, data.images, data.columns, config.one_step)
    else:
        objective = DenoisingObjective(denoiser, model.scheduler, data.images, data.columns, config.min_snr)
    controlnet.adapt(model, config)
    if start is not None:
        warm_start.begin(denoiser, start)
    train(objective, config, how, seed, state, "image ControlNet")
    controlnet.save(out, made, model, config, denoiser.stems)
    registry.save(denoiser.conditions, out)
    codes = model.palette(len(dataset.classes)) if model.paints else None
    (out / "README.md").write_text(cards.controlnet(dataset, config, model.control.__name__, codes))


def translation(
    config: ImageTrainConfig, own: TranslationConfig, how: RunConfig, seed: int, dataset: Statistics,
    tiles: Sequence[Path], state: Path, out: Path,
) -> None:  # fmt: skip
    """Train a baseline on the train tiles and write its generator."""
    if dataset.size % 2**own.levels:
        found = f"{own.levels} cannot halve tiles of {dataset.size} pixels"
        field = f"image_train.{config.backend}.levels"
        raise InputError(field, found, f"Use a tile.size divisible by {2**own.levels}")
    data = pictures.load(dataset, tiles, [])
    if not data.ids:
        raise InputError("tiles", "there is no training tile", "Look at check and tile for this dataset")
    made = Generator(len(dataset.classes), dataset.bands, own.width, own.levels)
    train(baseline(own, dataset, data, made), config, how, seed, state, f"image {NAMES[config.backend]}")
    made.save(out)
    (out / "README.md").write_text(cards.translation(dataset, config, NAMES[config.backend]))


def baseline(
    own: TranslationConfig, dataset: Statistics, data: pictures.Pictures, made: Generator
) -> Objective:
    """What trains a baseline's generator."""
    classes, bands = len(dataset.classes), dataset.bands
    if isinstance(own, CycleGanConfig):
        cycle = Cycle(made, classes, bands, own.width, own.levels)
        return CycleGanObjective(cycle, data, classes, own)
    assert isinstance(own, Pix2PixConfig)
    players = Players(made, discriminator(classes + bands, own.width))
    return Pix2PixObjective(players, data, classes, own)


def _given(name: str, value: Given | None) -> Given:
    if value is None:
        raise InputError(f"--{name}", "is needed by this image_train.backend", "Give it, or choose another")
    return value

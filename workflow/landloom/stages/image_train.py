"""Mask and caption to image: a ControlNet on the frozen base, or Pix2Pix as a baseline."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch

from landloom.config.image_train import ImageTrainConfig
from landloom.dataset import Dataset
from landloom.diffusion import bundle, cache, cards, control, pictures
from landloom.diffusion.denoising import ImageObjective
from landloom.errors import InputError
from landloom.stage import In, Ins, Out, State
from landloom.training.loop import device, train
from landloom.training.progress import metrics_path
from landloom.translation.objective import Pix2PixObjective, Players
from landloom.translation.pix2pix import Generator, discriminator

VERSION = 3
Given = TypeVar("Given", Path, list[Path])


def run(
    config: ImageTrainConfig, seed: int, card: In, state: State, out: Out, metrics: Out,
    base: In | None = None, latents: Ins | None = None, tiles: Ins | None = None,
) -> None:  # fmt: skip
    """Train the image generator and write it as a folder.

    ``controlnet`` reads ``base`` and ``latents``, ``pix2pix`` reads ``tiles``.

    Raises:
        InputError: an input of the back-end is missing, or the tiles do not fit its network.
        Interrupted: told to stop; the state is saved.
    """
    dataset = Dataset.load(card)
    torch.manual_seed(seed)
    if config.backend == "pix2pix":
        pix2pix(config, seed, dataset, _given("tiles", tiles), state, out)
    else:
        controlnet(config, seed, dataset, _given("base", base), _given("latents", latents), state, out)
    shutil.copy(metrics_path(state), metrics)


def controlnet(
    config: ImageTrainConfig, seed: int, dataset: Dataset, base: Path, latents: Sequence[Path],
    state: Path, out: Path,
) -> None:  # fmt: skip
    """Train a ControlNet and write it as a folder that ``from_pretrained`` reads."""
    model = bundle.load(base).to(device())
    torch.manual_seed(seed)
    classes = len(dataset.classes)
    made = control.build(config, model, classes)
    objective = ImageObjective(made, model, cache.load(latents), classes, config)
    control.adapt(model.unet, config)
    train(objective, config, seed, state, "image ControlNet")
    control.save(out, made, model.unet, config)
    (out / "README.md").write_text(cards.controlnet(dataset, config))


def pix2pix(
    config: ImageTrainConfig, seed: int, dataset: Dataset, tiles: Sequence[Path], state: Path, out: Path
) -> None:
    """Train Pix2Pix on the train tiles and write its generator."""
    own, classes = config.pix2pix, len(dataset.classes)
    if dataset.size % 2**own.levels:
        found = f"{own.levels} cannot halve tiles of {dataset.size} pixels"
        raise InputError("image_train.pix2pix.levels", found, f"Use a tile.size divisible by {2**own.levels}")
    data = pictures.load(dataset, tiles, [])
    if not data.ids:
        raise InputError("tiles", "there is no training tile", "Look at check and tile for this dataset")
    generator = Generator(classes, dataset.bands, own.width, own.levels)
    players = Players(generator, discriminator(classes + dataset.bands, own.width))
    train(Pix2PixObjective(players, data, classes, own), config, seed, state, "image Pix2Pix")
    generator.save(out)
    (out / "README.md").write_text(cards.pix2pix(dataset, config))


def _given(name: str, value: Given | None) -> Given:
    if value is None:
        raise InputError(f"--{name}", "is needed by this image_train.backend", "Give it, or choose another")
    return value

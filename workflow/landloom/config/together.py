"""What the sections of one generator, or of one variant of the label table, cannot mean together."""

import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING

from landloom.config.image_sample import ImageSampleConfig
from landloom.config.image_train import SMALLEST, ImageTrainConfig, TranslationConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_train import LabelTrainConfig

if TYPE_CHECKING:
    from landloom.config import Config


def problems(config: "Config", name: str) -> Iterator[str]:
    """Yield what is wrong with the models that a generator or variant takes its masks and images from."""
    train = typing.cast(LabelTrainConfig, config.section("label_train", config.lender(name)))
    sample = typing.cast(LabelSampleConfig, config.section("label_sample", name))
    if sample.source == "model":
        yield from masks(train, sample, config.tile.size, name)
    if name in config.variants:
        return
    image = typing.cast(ImageTrainConfig, config.section("image_train", name))
    made = typing.cast(ImageSampleConfig, config.section("image_sample", name))
    if made.source == "model" and image.translation is None:
        yield from steps(image, made, name)
    if made.source == "model" and image.translation is not None:
        yield from translation(image.backend, image.translation, made, config.tile.size, name)


def masks(train: LabelTrainConfig, sample: LabelSampleConfig, size: int, name: str) -> Iterator[str]:
    """Yield what is wrong with a mask generator for tiles of ``size`` pixels."""
    own = train.categorical
    unit = own.patch * 2 ** (len(own.channels) - 1)
    if train.backend == "categorical" and size % unit:
        yield (
            f"tile.size: {size} is no multiple of {unit}, which the masks of '{name}' need: "
            f"label_train.categorical.patch, {own.patch}, times 2 for each of channels but the first"
        )
    if train.backend == "lora" and sample.control.latent and not train.proportion.probe_steps:
        yield (
            f"label_sample.control.latent: {sample.control.latent:g} for '{name}' needs the latent probe, "
            "but label_train.proportion.probe_steps is 0; raise that, or set latent to 0"
        )


def steps(image: ImageTrainConfig, made: ImageSampleConfig, name: str) -> Iterator[str]:
    """Yield what is wrong with the number of steps: who learned one step can do no others."""
    if image.objective == "one_step" and made.steps != 1:
        yield (
            f"image_sample.steps: {made.steps} for '{name}', whose image_train.objective is 'one_step'; "
            "set it to 1"
        )


def translation(
    backend: str, own: TranslationConfig, made: ImageSampleConfig, size: int, name: str
) -> Iterator[str]:
    """Yield what is wrong with a baseline for tiles of ``size`` pixels."""
    levels = own.levels
    if size % 2**levels:
        yield (
            f"tile.size: {size} cannot be halved {levels} times (image_train.{backend}.levels of '{name}'); "
            f"use a multiple of {2**levels}, or fewer levels"
        )
    if size < SMALLEST:
        yield f"tile.size: {size} is too small for {backend} ('{name}'), whose discriminator needs {SMALLEST}"
    if made.feedback.weight:
        yield (
            f"image_sample.feedback.weight: {made.feedback.weight:g} for '{name}', but feedback is for "
            "ControlNets and its images come from {backend}; set it to 0 there"
        )

"""What the sections of one generator cannot mean together."""

import math
import typing
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from landloom.config.export import BOXES
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.image_train import SMALLEST, ImageTrainConfig, TranslationConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_train import PATCH, LabelTrainConfig
from landloom.config.objects import dota_name
from landloom.config.section import Section

if TYPE_CHECKING:
    from landloom.config import Config


def problems(config: "Config", name: str) -> Iterator[str]:
    """Yield what is wrong with the models that a generator takes its masks and images from."""
    train = typing.cast(LabelTrainConfig, config.section("label_train", name))
    sample = typing.cast(LabelSampleConfig, config.section("label_sample", name))
    if sample.source == "layout" and not config.data.painted:
        yield (
            f"label_sample.source: 'layout' for '{name}' needs masks that are painted from objects; give "
            "data.objects, and leave out data.masks and data.classes"
        )
    if sample.source == "model":
        yield from masks(train, sample, config.tile.size, name)
        yield from guided(train, sample, name)
        yield from halvings(config) if train.backend == "lora" else ()
    if name in config.alone:
        return
    image = typing.cast(ImageTrainConfig, config.section("image_train", name))
    made = typing.cast(ImageSampleConfig, config.section("image_sample", name))
    if sample.source == "model" and made.cuts and made.collage.source == "own":
        yield (
            f"image_sample.collage.source: 'own' for '{name}', whose masks come from a model and "
            "bring no image; set it to 'others', or label_sample.source to 'quilt'"
        )
    if made.source == "model" and made.consistency:
        yield from consistent(image, made, name)
    if sample.source == "repaint":
        yield from repainted(image, made, name)
    if made.source == "model" and image.translation is None:
        yield from halvings(config)
        yield from one_step(image, made, name, config)
        yield from unworded(image, made, name)
        yield from kept(image, name, config)
        yield from dated(config)
        yield from unmapped(image, name, config)
        yield from unlisted(image, name, config)
        yield from coarse(image, name, config)
        yield from stem(image, name, config)
    if made.source == "model":
        yield from start(image, made, name)
    if made.source == "model" and image.translation is not None:
        yield from translation(image.backend, image.translation, made, config.tile.size, name)


def levels(config: "Config", names: Collection[str]) -> Iterator[str]:
    """Yield why tiles of several scales would be learned by nobody, or sampled at no scale in particular."""
    if config.tile.scales == [1]:
        return
    said = f"tile.scales: {config.tile.scales}"
    learning = [name for name in names if scaled(config, name)]
    if not learning:
        yield (
            f"{said}, but no generator is told the scale of a tile, so none would learn the coarse ones; set "
            "image_train.metadata: {}, or scales to [1]"
        )
    for name in learning:
        made = typing.cast(LabelSampleConfig, config.section("label_sample", name))
        own = made.source in ("real", "predicted", "repaint")  # these bring the distance of a tile of scale 1
        if not own and made.metadata.gsd is None and made.metadata.others == "unknown":
            yield (
                f"{said}, and '{name}' learns them all, but label_sample.metadata does not say which scale "
                "its samples shall have; give it gsd, or others: nearest"
            )
    for name, scene in config.scene_sample.scenes.items():
        quilted = config.scene_mask.scenes.get(name) if scene.mask is None else None
        if quilted is not None and quilted.crs is None and scene.metadata.gsd is None:
            yield (
                f"{said}, but nothing says which scale the scene '{name}' shall have; give "
                f"scene_sample.scenes.{name}.metadata its gsd"
            )


def scaled(config: "Config", name: str) -> bool:
    """Whether a model that a generator samples from is told metadata, and so learns tiles of all scales."""
    label, image = (config.section(f"{kind}_sample", name).model_dump() for kind in ("label", "image"))
    masks = typing.cast(LabelTrainConfig, config.section("label_train", name))
    images = typing.cast(ImageTrainConfig, config.section("image_train", name))
    heard = label["source"] == "model" and masks.backend == "lora" and masks.metadata is not None
    painted = image["source"] == "model" and images.translation is None and images.metadata is not None
    return heard or (painted and name not in config.alone)


def boxes(config: "Config") -> Iterator[str]:
    """Yield why boxes of objects cannot be looked for or exported."""
    if config.detect.networks and config.data.objects is None:
        yield "detect.networks: a detector looks for objects, but there is no data.objects; add it"
    asked = [f for f in config.export.formats if f in BOXES]
    if not asked:
        return
    where = f"export.formats: {', '.join(asked)}"
    if config.data.objects is None:
        yield f"{where} hold boxes of objects, but there is no data.objects; add it, or leave them out"
        return
    sources = [
        tuple(config.section(s, name).model_dump()["source"] for s in ("label_sample", "image_sample"))
        for name in config.generators
    ]
    # Only masks of real tiles and layouts come with objects; real pairs are not exported.
    if not any(mask in ("real", "layout") and (mask, image) != ("real", "real") for mask, image in sources):
        yield f"{where} hold boxes, but no generator has label_sample.source 'real' or 'layout'; add one"
    names = [dota_name(n) for n in config.data.objects.names]
    if "dota" in asked and ("" in names or len(set(names)) < len(names)):
        yield (
            "export.formats: dota has no spaces in names, so a hyphen stands for them, and then "
            "data.objects.classes has no name, or one twice; rename one"
        )


def repainted(image: ImageTrainConfig, made: ImageSampleConfig, name: str) -> Iterator[str]:
    """Yield why holes in real tiles cannot be painted."""
    asked = f"label_sample.source: 'repaint' for '{name}'"
    if made.source == "model" and image.translation is not None:
        found = f"image_train.backend is '{image.backend}'"
        yield f"{asked} needs a ControlNet, but {found}; set it to 'controlnet'"
    elif made.source == "model" and image.known_pixels is None:
        yield (
            f"{asked} needs an image generator that has learned known pixels; add image_train.known_pixels "
            "and encode.known_pixels, with {} if the defaults are right"
        )
    if made.cuts and made.collage.source == "own":
        yield (
            f"image_sample.collage.source: 'own' for '{name}' would start from what is to be painted over; "
            "set it to 'others', or collage.strength to 1"
        )


def consistent(image: ImageTrainConfig, made: ImageSampleConfig, name: str) -> Iterator[str]:
    """Yield why images cannot be made to agree with coarse ones."""
    if image.low_resolution is None or image.translation is not None:
        yield (
            f"image_sample.consistency: {made.consistency:g} for '{name}' needs a ControlNet that has "
            "learned coarse images; add image_train.low_resolution and encode.low_resolution, or set it to 0"
        )


def masks(train: LabelTrainConfig, sample: LabelSampleConfig, size: int, name: str) -> Iterator[str]:
    """Yield what is wrong with a mask generator for tiles of ``size`` pixels."""
    own = train.categorical
    unit = PATCH * 2 ** (len(own.channels) - 1)
    if train.backend == "categorical" and size % unit:
        yield (
            f"tile.size: {size} is no multiple of {unit}, which the masks of '{name}' need: "
            f"{PATCH}, times 2 for each of label_train.categorical.channels but the first"
        )
    if train.backend == "lora" and sample.control.latent and not train.proportion.probe_steps:
        yield (
            f"label_sample.control.latent: {sample.control.latent:g} for '{name}' needs the latent probe, "
            "but label_train.proportion.probe_steps is 0; raise that, or set latent to 0"
        )


def guided(train: LabelTrainConfig, sample: LabelSampleConfig, name: str) -> Iterator[str]:
    """Yield guidance of masks away from what their training never shows."""
    lora, told = train.backend == "lora", f"for '{name}' guides away from masks"
    if lora and sample.guidance != 1 and not train.caption_dropout:
        yield (
            f"label_sample.guidance: {sample.guidance:g} {told} without words, but "
            "label_train.caption_dropout is 0; raise that, or set guidance to 1"
        )
    if sample.vector_guidance == 1:
        return
    if lora and not train.vector.tokens:
        yield (
            f"label_sample.vector_guidance: {sample.vector_guidance:g} {told} without ratios, but "
            "label_train.vector.tokens is 0, so none are ever told; raise that, or set vector_guidance to 1"
        )
    elif not train.vector.dropout:
        yield (
            f"label_sample.vector_guidance: {sample.vector_guidance:g} {told} without ratios, but "
            "label_train.vector.dropout is 0; raise that, or set vector_guidance to 1"
        )


def halvings(config: "Config") -> Iterator[str]:
    """Yield what is wrong with sizes that an autoencoder from scratch must halve."""
    vae, factor = config.base.vae, factor_of(config)
    if config.base.source != "scratch":
        return
    if config.tile.size % factor:
        yield (
            f"tile.size: {config.tile.size} cannot be halved {len(vae.channels) - 1} times, as "
            f"base.vae.channels asks for; use a multiple of {factor}, or fewer channels"
        )
    if vae.crop is not None and vae.crop < config.tile.size and vae.crop % factor:
        yield f"base.vae.crop: {vae.crop} is no multiple of {factor}, by which base.vae.channels shrinks"


def factor_of(config: "Config") -> int:
    """By how much an autoencoder from scratch shrinks."""
    return int(2 ** (len(config.base.vae.channels) - 1))


def one_step(image: ImageTrainConfig, made: ImageSampleConfig, name: str, config: "Config") -> Iterator[str]:
    """Yield which sampler settings a model trained for a single step cannot follow."""
    if image.objective != "one_step":
        return
    wrong = {"steps": made.steps, "guidance": max(made.scales.values(), default=1)}
    if bad := [f"{k}: {v:g}" for k, v in wrong.items() if v != 1]:
        yield (
            f"image_sample.{' and '.join(bad)} for '{name}', whose image_train.objective is 'one_step'; "
            "set steps and guidance to 1"
        )
    if config.base.source == "scratch":
        yield from latents(image, name, config.tile.size, factor_of(config))


def unworded(image: ImageTrainConfig, made: ImageSampleConfig, name: str) -> Iterator[str]:
    """Yield guidance of images away from what their training never shows."""
    for condition, scale in made.scales.items():
        key, rate = dropout(image, condition)
        if scale == 1 or rate:
            continue
        told, state = ("words" if condition == "text" else condition), "is 0" if rate == 0 else "is not there"
        yield (
            f"image_sample.guidance: {scale:g} for '{name}' goes away from images without {told}, but "
            f"{key} {state}; {'raise' if rate == 0 else 'add'} that, or set guidance to 1"
        )


def dropout(image: ImageTrainConfig, condition: str) -> tuple[str, float | None]:
    """Key and value of the share of images that are not told a condition; None if it is never told."""
    if condition == "text":
        return "image_train.caption_dropout", image.caption_dropout
    return f"image_train.{condition}.dropout", getattr(getattr(image, condition, None), "dropout", None)


def kept(image: ImageTrainConfig, name: str, config: "Config") -> Iterator[str]:
    """Yield why the latents do not hold what a condition of a generator reads: ``encode`` makes it."""
    for key in sorted(set(type(image).model_fields) & set(type(config.encode).model_fields)):
        asked, there = getattr(image, key), getattr(config.encode, key)
        if not isinstance(asked, Section):
            continue
        wanted = asked.model_dump(include=encoded(type(config.encode).model_fields[key].annotation))
        if there is None or there.model_dump() != wanted:
            found = "is off" if there is None else f"has {_listed(there.model_dump())}"
            yield (
                f"image_train.{key}: {_listed(wanted)} for '{name}', but encode.{key} {found}; "
                f"give encode.{key} the same"
            )


def dated(config: "Config") -> Iterator[str]:
    """Yield that tiles have no other days to keep."""
    if config.encode.dates is not None and config.tile.dates is None:
        yield "encode.dates: is on, but tile.dates is off, so no tile has other days; set tile.dates: {}"


def unmapped(image: ImageTrainConfig, name: str, config: "Config") -> Iterator[str]:
    """Yield why tiles have no map to tell."""
    if config.data.map is not None:
        return
    if image.map is not None:
        yield f"image_train.map: for '{name}' needs a map of the ground; give data.map its source and legend"
    if config.encode.map is not None:
        yield "encode.map: needs a map of the ground; give data.map its source and legend"


def unlisted(image: ImageTrainConfig, name: str, config: "Config") -> Iterator[str]:
    """Yield why tiles have no objects to tell."""
    if config.data.objects is not None:
        return
    asked = {f"image_train.boxes: for '{name}'": image.boxes, "encode.boxes:": config.encode.boxes}
    for key in (k for k, section in asked.items() if section is not None):
        yield f"{key} needs lists of objects; give data.objects their path, format and classes"


def encoded(annotation: Any) -> set[str]:
    """Names of the settings of a condition that ``encode`` has, from the type of its section or None."""
    sections = [t for t in typing.get_args(annotation) if isinstance(t, type) and issubclass(t, Section)]
    return {name for section in sections for name in section.model_fields}


def _listed(settings: dict[str, Any]) -> str:
    return ", ".join(f"{k} {v}" for k, v in settings.items()) or "on"


def coarse(image: ImageTrainConfig, name: str, config: "Config") -> Iterator[str]:
    """Yield why tiles cannot be divided into the blocks of a coarse image."""
    asked = image.low_resolution
    if asked is not None and config.tile.size % asked.factor:
        yield (
            f"image_train.low_resolution.factor: {asked.factor} for '{name}' does not divide tile.size, "
            f"{config.tile.size}; change one of them"
        )


def stem(image: ImageTrainConfig, name: str, config: "Config") -> Iterator[str]:
    """Yield why a mask's stem does not shrink it to the latents of an autoencoder from scratch."""
    wanted = len(config.base.vae.channels)
    count = len(image.channels or ())
    if config.base.source == "scratch" and count and count != wanted:
        yield (
            f"image_train.channels: {count} for '{name}' halve a mask {count - 1} times, but "
            f"base.vae.channels halve an image {wanted - 1} times; give {wanted}, or leave them out"
        )


def start(image: ImageTrainConfig, made: ImageSampleConfig, name: str) -> Iterator[str]:
    """Yield why images cannot start as asked for: only ControlNets know noise, and some only one strength."""
    strength, practised = made.collage.strength, image.one_step.strength
    if image.translation is not None and strength < 1:
        yield (
            f"image_sample.collage.strength: {strength:g} for '{name}', but only a ControlNet can start from "
            f"a collage, and its images come from {image.backend}; set it to 1 there"
        )
    if image.translation is None and made.steps > 1 and made.steps * strength < 1 - 1e-6:
        yield (
            f"image_sample.steps: {made.steps} for '{name}' are too few for a collage.strength of "
            f"{strength:g}; take {math.ceil(1 / strength)} or more, or 1"
        )
    if image.translation is None and image.objective == "one_step" and strength != practised:
        yield (
            f"image_sample.collage.strength: {strength:g} for '{name}', whose only step is practised at "
            f"image_train.one_step.strength {practised:g}; give both the same"
        )


def latents(image: ImageTrainConfig, name: str, size: int, factor: int) -> Iterator[str]:
    """Yield what is wrong with tiles of ``size`` pixels, of which ``factor`` make one latent cell."""
    least = image.one_step.smallest * factor
    if image.objective == "one_step" and size < least:
        yield (
            f"tile.size: {size} is too small for 'one_step' of '{name}', whose discriminator of "
            f"{image.one_step.layers} layers needs {least}; use larger tiles, or fewer "
            "image_train.one_step.layers"
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
            f"ControlNets and its images come from {backend}; set it to 0 there"
        )

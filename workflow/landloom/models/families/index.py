"""Which families of bases there are, and what ``model_index.json`` says of a folder; nothing is loaded.

This must stay free of heavy imports: the Snakefile asks it before every run.
"""

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landloom.config.section import Section
from landloom.errors import InputError
from landloom.runtime.reading import object_of

REMEDY = "Give a complete diffusers folder, as save_pretrained writes it"
INDEX = "model_index.json"


@dataclass(frozen=True)
class Family:
    """What a folder of one family holds.

    Attributes:
        parts: name of each part and its class; an autoencoder may be of another one (``AUTOENCODERS``).
        denoiser: the part that denoises.
        optional: parts that may be left out, as the pipeline lets them.
        refused: settings that cannot work with it, and why.
    """

    parts: Mapping[str, str]
    denoiser: str = "unet"
    optional: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


CLIP = {"text_encoder": "CLIPTextModel", "tokenizer": "CLIPTokenizer"}
SECOND = {"text_encoder_2": "CLIPTextModelWithProjection", "tokenizer_2": "CLIPTokenizer"}
THIRD = {"text_encoder_3": "T5EncoderModel", "tokenizer_3": "T5Tokenizer"}
UNET = {"vae": "AutoencoderKL", "unet": "UNet2DConditionModel", "scheduler": "DDPMScheduler"}
TRANSFORMER = {
    "vae": "AutoencoderKL", "transformer": "SD3Transformer2DModel",
    "scheduler": "FlowMatchEulerDiscreteScheduler", "text_encoder": "CLIPTextModelWithProjection",
}  # fmt: skip
FAMILIES = {
    "StableDiffusionPipeline": Family(UNET | CLIP),
    "StableDiffusionXLPipeline": Family(UNET | CLIP | SECOND),
    "StableDiffusion3Pipeline": Family(
        CLIP | TRANSFORMER | SECOND | THIRD,
        "transformer",
        frozenset(THIRD),
        {
            "label_train.vector.tokens": "its attention cannot leave tokens out",
            "image_train.unlock": "it has no decoder of its own",
            "image_train.channels": "masks enter through its autoencoder, not through a stem",
        },
    ),
}
"""By the pipeline that ``model_index.json`` names."""
AUTOENCODERS = ("AutoencoderKL", "AutoencoderDC")


def read(folder: Path) -> dict[str, Any]:
    """What ``model_index.json`` says.

    Raises:
        InputError: there is none, or it is no JSON object.
    """
    return said(folder / INDEX)


def said(file: Path) -> dict[str, Any]:
    """A config file of the folder.

    Raises:
        InputError: it is not there, or is no JSON object.
    """
    if not file.exists():
        raise InputError(file, "the file does not exist", REMEDY)
    return object_of(file, REMEDY)


def family(folder: Path, found: Mapping[str, Any]) -> str:
    """Name of the pipeline that the folder was saved by.

    Raises:
        InputError: it is not one of ``FAMILIES``.
    """
    name = found.get("_class_name")
    if not isinstance(name, str) or name not in FAMILIES:
        what = f"names the pipeline {name}" if name else "names no pipeline"
        raise InputError(folder / INDEX, what, f"Bases may be folders of {', '.join(FAMILIES)}")
    return name


def parts(folder: Path, found: Mapping[str, Any]) -> dict[str, str | None]:
    """Class of each part by its name; None for optional parts that were left out.

    Raises:
        InputError: the family is not known.
    """
    own = FAMILIES[family(folder, found)]
    kinds: dict[str, str | None] = dict(own.parts)
    try:
        kind = said(folder / "vae" / "config.json").get("_class_name")
    except InputError:
        kind = None  # said where the part is looked at
    kinds["vae"] = kind if kind in AUTOENCODERS else own.parts["vae"]
    left_out = [n for n in own.optional if found.get(n) in (None, [None, None])]
    return kinds | dict.fromkeys(left_out)


def refused(pipeline: str, stage: str, section: Section) -> Iterator[InputError]:
    """Yield which settings of a training cannot work with a base of this pipeline."""
    for key, why in FAMILIES[pipeline].refused.items():
        owner, _, setting = key.partition(".")
        if owner == stage and (value := operator.attrgetter(setting)(section)):
            found = f"{value} cannot be had with a base of {pipeline}: {why}"
            yield InputError(key, found, "Leave it out, or take another base.source")


def shrinks(folder: Path) -> int:
    """By how much the folder's autoencoder shrinks an image; 1 if it does not say."""
    return int(2 ** (len(said(folder / "vae" / "config.json").get("block_out_channels", [0])) - 1))

"""Of which family is a base model's folder, and is it complete? Looks at files only; nothing is loaded."""

import json
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landloom.config.base import BaseConfig
from landloom.config.section import Section
from landloom.errors import InputError
from landloom.models.hub import locate

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


def problems(config: BaseConfig, size: int) -> list[InputError]:
    """Find everything that would stop a stage from using the base; nothing is downloaded.

    Args:
        config: the section.
        size: side of a tile in pixels.
    """
    folder = at_hand(config)
    if isinstance(folder, Path):
        return [*incomplete(folder)] or [*unfit(folder, size)]
    return [folder] if isinstance(folder, InputError) else []


def at_hand(config: BaseConfig) -> Path | InputError | None:
    """The base's folder, or why there is none; None if it will be made or fetched."""
    if config.source == "scratch":
        return None
    try:
        # Whole-folder digests take minutes for real models: the base stage compares them.
        return locate(config.model_copy(update={"download": False, "sha256": None}))
    except InputError as error:
        return None if config.download and config.revision is not None else error


def index(folder: Path) -> dict[str, Any]:
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
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        raise InputError(file, "the file does not exist", REMEDY) from None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(file, "is no JSON object", REMEDY)
    return found


def family(folder: Path, index: Mapping[str, Any]) -> str:
    """Name of the pipeline that the folder was saved by.

    Raises:
        InputError: it is not one of ``FAMILIES``.
    """
    name = index.get("_class_name")
    if name not in FAMILIES:
        found = f"names the pipeline {name}" if name else "names no pipeline"
        known = f"Bases may be folders of {', '.join(FAMILIES)}"
        raise InputError(folder / INDEX, found, known)
    return str(name)


def parts(folder: Path, index: Mapping[str, Any]) -> dict[str, str | None]:
    """Class of each part by its name; None for optional parts that were left out.

    Raises:
        InputError: the family is not known.
    """
    own = FAMILIES[family(folder, index)]
    found: dict[str, str | None] = dict(own.parts)
    try:
        kind = said(folder / "vae" / "config.json").get("_class_name")
    except InputError:
        kind = None  # said where the part is looked at
    found["vae"] = kind if kind in AUTOENCODERS else own.parts["vae"]
    left_out = [n for n in own.optional if n not in index or index[n] == [None, None]]
    return found | dict.fromkeys(left_out)


def incomplete(folder: Path) -> Iterator[InputError]:
    """Yield what a diffusers folder lacks: family, part configs, tokenizer words, safetensors weights."""
    try:
        about = index(folder)
        wanted = parts(folder, about)
    except InputError as error:
        yield error
        return
    yield from _strange(folder, about)
    for part, kind in wanted.items():
        if kind is not None and not (folder / part).is_dir():
            yield InputError(folder / part, "the folder does not exist", REMEDY)
        elif kind is not None:
            yield from _part(folder / part, part.split("_2")[0].split("_3")[0])


def _strange(folder: Path, about: Mapping[str, Any]) -> Iterator[InputError]:
    """Yield parts of other classes than the family has: they would load, or not, in odd ways."""
    own = FAMILIES[family(folder, about)]
    for part, kind in own.parts.items():
        named = about.get(part)
        named = named[1] if isinstance(named, list) and len(named) == 2 else None
        if part == own.denoiser or part.startswith("text_encoder"):
            wrong = named not in (None, kind)
        else:
            wrong = part == "scheduler" and _flows(named) != _flows(kind)
        if wrong:
            found = f"names {named} as its {part}, but {about['_class_name']} has {kind} here"
            yield InputError(folder / INDEX, found, "Give the base that this pipeline was published with")


def _flows(scheduler: str | None) -> str | None:
    """What a scheduler's steps mean, by its name: those of one kind share their settings."""
    name = scheduler or "DDPMScheduler"
    return next((kind for kind in ("FlowMatch", "EDM") if kind in name), None)


def _part(folder: Path, kind: str) -> Iterator[InputError]:
    """Yield what one part lacks, by its name without a number."""
    config = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
    file = folder / config.get(kind, "config.json")
    if not file.is_file():
        yield InputError(file, "the file does not exist", REMEDY)
    if kind == "tokenizer":
        names = ("vocab.json", "tokenizer.json", "spiece.model")
        if not any((folder / n).is_file() for n in names):
            yield InputError(folder, f"none of {', '.join(names)} is there", REMEDY)
    elif kind != "scheduler":
        stem = "model" if kind == "text_encoder" else "diffusion_pytorch_model"
        yield from weights(folder, stem, REMEDY)


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


def unfit(folder: Path, size: int) -> Iterator[InputError]:
    """Yield why tiles of ``size`` pixels cannot become whole cells of the network."""
    denoiser = FAMILIES[family(folder, index(folder))].denoiser
    cell = shrinks(folder) * int(said(folder / denoiser / "config.json").get("patch_size", 1))
    if size % cell:
        found = f"{size} is no multiple of {cell}, the pixels of one cell of the base"
        yield InputError("tile.size", found, f"Use a multiple of {cell}, or another base.source")


def weights(part: Path, stem: str, remedy: str) -> Iterator[InputError]:
    """Yield what is wrong with the safetensors weights of one model folder."""
    single, index = part / f"{stem}.safetensors", part / f"{stem}.safetensors.index.json"
    files = [single]
    if not single.is_file() and index.is_file():
        files = sorted({part / name for name in json.loads(index.read_text())["weight_map"].values()})
    for file in files:
        if file.is_file():
            if (found := _broken(file)) is not None:
                yield InputError(file, found, "Fetch the file again (git lfs pull, if it came by git)")
        elif any(part.glob("*.bin")):
            convert = (
                "Convert them: load the pipeline elsewhere and call save_pretrained(safe_serialization=True)"
            )
            yield InputError(file, "only .bin weights are there, and pickles are never loaded", convert)
        else:
            yield InputError(file, "the file does not exist", remedy)


def _broken(file: Path) -> str | None:
    """What is wrong with a safetensors file, by its header and its length."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > size - 8:
            return "not a safetensors file, or cut off"
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            return "not a safetensors file"
    end = max((v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"), default=0)
    return f"cut off: {size} bytes instead of {8 + length + end}" if size < 8 + length + end else None

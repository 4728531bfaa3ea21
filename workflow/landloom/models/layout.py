"""Is a base model's folder complete? Looks at files only; nothing is loaded."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landloom.config.base import BaseConfig
from landloom.errors import InputError
from landloom.models.families.index import (
    FAMILIES,
    INDEX,
    REMEDY,
    Family,
    family,
    parts,
    read,
    said,
    shrinks,
)
from landloom.models.hub import locate
from landloom.runtime.reading import object_of, reading


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


def incomplete(folder: Path) -> Iterator[InputError]:
    """Yield what a diffusers folder lacks: family, part configs, tokenizer words, safetensors weights."""
    try:
        about = read(folder)
        wanted = parts(folder, about)
    except InputError as error:
        yield error
        return
    own = FAMILIES[family(folder, about)]
    yield from _strange(folder, about, own)
    for part, kind in wanted.items():
        if kind is not None and not (folder / part).is_dir():
            option = f", or take {part} out of {INDEX}" if part in own.optional else ""
            yield InputError(folder / part, "the folder does not exist", REMEDY + option)
        elif kind is not None:
            yield from _part(folder / part, part.split("_2")[0].split("_3")[0])
    left_out = {n for n in own.optional if wanted[n] is None}
    if left_out and left_out != own.optional:
        gone, there = (" and ".join(sorted(n)) for n in (left_out, own.optional - left_out))
        yield InputError(folder / INDEX, f"{gone} is left out, {there} is not", "Leave out both, or none")


def _strange(folder: Path, about: Mapping[str, Any], own: Family) -> Iterator[InputError]:
    """Yield parts of other classes than the family has: they would load, or not, in odd ways."""
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
    try:
        said(file)
    except InputError as error:
        yield error
    if kind == "tokenizer":
        names = ("vocab.json", "tokenizer.json", "spiece.model")
        if not any((folder / n).is_file() for n in names):
            yield InputError(folder, f"none of {', '.join(names)} is there", REMEDY)
    elif kind != "scheduler":
        stem = "model" if kind == "text_encoder" else "diffusion_pytorch_model"
        yield from weights(folder, stem, REMEDY)


def unfit(folder: Path, size: int) -> Iterator[InputError]:
    """Yield why tiles of ``size`` pixels cannot be learned: no whole cells, or a schedule by size."""
    denoiser = FAMILIES[family(folder, read(folder))].denoiser
    cell = shrinks(folder) * int(said(folder / denoiser / "config.json").get("patch_size", 1))
    if size % cell:
        found = f"{size} is no multiple of {cell}, the pixels of one cell of the base"
        yield InputError("tile.size", found, f"Use a multiple of {cell}, or another base.source")
    schedule = folder / "scheduler" / "scheduler_config.json"
    if said(schedule).get("use_dynamic_shifting"):
        found = (
            "use_dynamic_shifting: its steps depend on the size of the image, which trainings do not tell it"
        )
        yield InputError(schedule, found, "Set it to false, with the 'shift' that the base had at this size")


def weights(part: Path, stem: str, remedy: str) -> Iterator[InputError]:
    """Yield what is wrong with the safetensors weights of one model folder."""
    single, index = part / f"{stem}.safetensors", part / f"{stem}.safetensors.index.json"
    files = [single]
    if not single.is_file() and index.is_file():
        try:
            files = named(index, remedy)
        except InputError as error:
            yield error
            return
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


def named(index: Path, remedy: str) -> list[Path]:
    """Files of weights that an index names.

    Raises:
        InputError: it is no index, or names a file that is not in its own folder.
    """
    with reading(index, "names no files of weights", remedy):
        names = sorted({str(n) for n in object_of(index)["weight_map"].values()})
    if strange := [n for n in names if Path(n).name != n]:
        raise InputError(index, f"names '{strange[0]}', which is no file of its own folder", remedy)
    return [index.with_name(n) for n in names]


def _broken(file: Path) -> str | None:
    """What is wrong with a safetensors file, by its header and its length."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > size - 8:
            return "not a safetensors file, or cut off"
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError):
            return "not a safetensors file"
    try:
        end = max((int(v["data_offsets"][1]) for k, v in header.items() if k != "__metadata__"), default=0)
    except (LookupError, TypeError, ValueError, AttributeError):
        return "not a safetensors file: its header names no places of tensors"
    return f"cut off: {size} bytes instead of {8 + length + end}" if size < 8 + length + end else None

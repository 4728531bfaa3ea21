"""Is a base model's folder complete? Looks at files only; nothing is loaded."""

import json
from collections.abc import Iterator
from pathlib import Path

from landloom.config.base import BaseConfig
from landloom.errors import InputError
from landloom.models.hub import locate

PARTS = {
    "unet": ("config.json", "diffusion_pytorch_model"),
    "vae": ("config.json", "diffusion_pytorch_model"),
    "text_encoder": ("config.json", "model"),
    "scheduler": ("scheduler_config.json", None),
    "tokenizer": ("tokenizer_config.json", None),
}
"""Config file of each part, and the stem of its weights if it has any."""


def problems(config: BaseConfig) -> list[InputError]:
    """Find everything that would stop a stage from loading the base; nothing is downloaded."""
    if config.source == "scratch":
        return []
    try:
        # Whole-folder digests take minutes for real models: the base stage compares them.
        folder = locate(config.model_copy(update={"download": False, "sha256": None}))
    except InputError as error:
        return [] if config.download and config.revision is not None else [error]
    return list(incomplete(folder))


def incomplete(folder: Path) -> Iterator[InputError]:
    """Yield what a diffusers folder lacks: part configs, tokenizer words, safetensors weights."""
    remedy = "Give a complete diffusers folder, as save_pretrained writes it"
    for part, (config, stem) in PARTS.items():
        if not (folder / part).is_dir():
            yield InputError(folder / part, "the folder does not exist", remedy)
            continue
        if not (folder / part / config).is_file():
            yield InputError(folder / part / config, "the file does not exist", remedy)
        if stem is not None:
            yield from weights(folder / part, stem, remedy)
    if not (folder / "model_index.json").is_file():
        yield InputError(folder / "model_index.json", "the file does not exist", remedy)
    words = folder / "tokenizer"
    if words.is_dir() and not any((words / n).is_file() for n in ("vocab.json", "tokenizer.json")):
        yield InputError(words, "neither vocab.json nor tokenizer.json is there", remedy)


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

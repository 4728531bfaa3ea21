"""What jobs ask for, known before they start: memory, from the numbers in the dataset statistics, and more.

The Snakefile imports this, so nothing heavy is imported here.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landloom.config import Config
from landloom.config.base import BaseConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.training import Parallel
from landloom.data.held_tiles import HELD_BYTES, tile_bytes

FEATURES = 2048
"""Numbers that a feature extractor gives for an image at most."""


@dataclass(frozen=True)
class CaptionerNeeds:
    """Memory (MB), minutes and places at the server of a caption job."""

    memory: int = 2000
    minutes: int = 30
    endpoint: int = 0


CAPTIONERS = {
    "template": CaptionerNeeds(),
    "qwen_vl": CaptionerNeeds(memory=24000, minutes=720),
    "openai": CaptionerNeeds(memory=4000, minutes=720, endpoint=1),
}
"""By back-end."""


def growing(megabytes: int) -> Callable[..., int]:
    """Memory that grows with each attempt."""

    def mem_mb(wildcards: Any, attempt: int) -> int:
        return megabytes * attempt

    return mem_mb


def latent_bytes(tiles: int, channels: int, side: int, variants: int, itemsize: int) -> int:
    """Bytes of latents (variants, channels, side, side) of some tiles; of images or of masks, not of both."""
    return tiles * variants * channels * side**2 * itemsize


def megabytes(stage: str, config: Config, wildcards: Any, inputs: Any) -> int:
    """What a job holds of its data at once, in MB; 0 while the statistics that tells it is still to be made.

    Args:
        stage: the job's stage.
        config: of the run.
        wildcards: of the job.
        inputs: of the job; ``inputs.statistics`` are the dataset statistics.
    """
    try:
        statistics = json.loads(Path(inputs.statistics).read_text())
    except (OSError, AttributeError, ValueError):
        return 0
    return -(-_held(stage, config, wildcards, inputs, statistics) // 10**6)


def _held(stage: str, config: Config, wildcards: Any, inputs: Any, statistics: dict[str, Any]) -> int:
    tiles, bands, size = int(statistics["tiles"]["train"]), int(statistics["bands"]), int(statistics["size"])
    if stage == "segment":
        pairs = config.mix.pairs(float(wildcards.ratio), tiles)
        real = 0 if config.mix.of == "alone" and pairs else tiles
        return _bounded(tile_bytes(real + pairs, bands, size, statistics["dtype"]), config.segment)
    if stage == "base":
        return _bounded(_base(config.base, tiles, bands, size), config.base)
    if stage == "encode":
        return _bounded(tile_bytes(tiles, bands, size, "float16"))
    if stage in ("label_train", "image_train"):
        section = config.section(stage, wildcards.generator)
        assert isinstance(section, LabelTrainConfig | ImageTrainConfig)
        if section.backend == "categorical":
            return _bounded(tiles * size**2, section)
        if section.backend in ("pix2pix", "cyclegan"):
            return _bounded(tile_bytes(tiles, bands, size, "float16"), section)
        return _bounded(_latents(inputs.data), section)
    if stage == "curate":
        return tiles * (FEATURES * 12 + 1024 * 8)
    raise ValueError(f"{stage} holds no data that grows with the dataset")


def _bounded(size: int, shared: Parallel | None = None) -> int:
    """What is held of data of so many bytes: up to the bound in each process."""
    return min(size, HELD_BYTES) * (shared.processes if shared is not None else 1)


def _base(base: BaseConfig, tiles: int, bands: int, size: int) -> int:
    """Bytes of the tiles, or of the latents after them, whichever are more."""
    if base.source != "scratch":
        return 0
    variants = {"none": 1, "flip": 2, "d4": 8}[base.augment]
    side = size // 2 ** (len(base.vae.channels) - 1)
    latents = latent_bytes(tiles * (2 if base.masks else 1), base.vae.latent, side, variants, 4)
    return max(tile_bytes(tiles, bands, size, "float16"), latents)


def _latents(inputs: Sequence[str]) -> int:
    """Bytes of caches, of which a training needs most; they are not compressed."""
    return sum(p.stat().st_size for p in map(Path, inputs) if p.suffix == ".safetensors" and p.exists())

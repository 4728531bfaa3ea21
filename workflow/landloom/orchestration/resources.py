"""What jobs ask for, known before they start: memory, from the numbers in the dataset statistics, and more.

The Snakefile imports this, so nothing heavy is imported here.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from landloom.config import Config
from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.training import Parallel
from landloom.data.held_tiles import HELD_BYTES, tile_bytes
from landloom.scenes.splits import LEARNED, UNLABELLED

FEATURES = 2048
"""Numbers that a feature extractor gives for an image at most."""
VARIANTS = {"none": 1, "flip": 2, "d4": 8}
"""Turned copies of a tile, by ``augment``."""
HOLDING = ("segment", "detect", "base", "encode", "label_train", "image_train", "curate")
"""Rules whose jobs hold data that grows with the dataset."""


@dataclass(frozen=True)
class Needs:
    """What a job asks for at its first attempt, before what it holds of its data.

    Attributes:
        memory: in MB: of the process with its libraries, and of the models that it loads.
        minutes: time limit; a training goes on from its checkpoint in another turn.
        endpoint: places at the caption server.
    """

    memory: int
    minutes: int
    endpoint: int = 0


NEEDS = {
    "tile_scenes": Needs(2000, 30),
    "ratios": Needs(4000, 30),
    "base": Needs(8000, 720),
    "encode": Needs(8000, 60),
    "features": Needs(4000, 60),
    "label_train": Needs(16000, 720),
    "label_sample": Needs(8000, 240),
    "image_train": Needs(16000, 720),
    "image_sample": Needs(12000, 240),
    "scene_mask": Needs(4000, 240),
    "scene_sample": Needs(12000, 480),
    "curate": Needs(4000, 60),
    "mix": Needs(2000, 30),
    "segment": Needs(4000, 480),
    "detect": Needs(4000, 480),
    "evaluate": Needs(4000, 60),
    "label_table": Needs(4000, 60),
    "detect_table": Needs(2000, 60),
    "evidence": Needs(2000, 30),
    "export": Needs(2000, 30),
    "report": Needs(2000, 30),
    "audit": Needs(2000, 30),
}
"""By rule; of the rule ``caption``, see ``captioner``."""

CAPTIONERS = {
    "template": Needs(2000, 30),
    "qwen_vl": Needs(24000, 720),
    "openai": Needs(4000, 720, endpoint=1),
}
"""By back-end."""


def needs(rule: str, config: Config) -> Needs:
    """What a job of a rule asks for."""
    return captioner(config.caption) if rule == "caption" else NEEDS[rule]


def captioner(config: CaptionConfig) -> Needs:
    """What a caption job asks for."""
    return CAPTIONERS["qwen_vl" if config.endpoint.serve else config.backend]  # a served model is in the job


@dataclass(frozen=True)
class Tiles:
    """What of the dataset statistics tells sizes.

    Attributes:
        train: number of train tiles.
        held_out: number of val and test tiles.
        bands: of an image.
        size: side in pixels.
        dtype: numpy type of an image.
        unlabelled: number of tiles without labels, which a base from scratch learns from, too.
    """

    train: int
    held_out: int
    bands: int
    size: int
    dtype: str
    unlabelled: int = 0

    @property
    def every(self) -> int:
        """Number of all tiles."""
        return self.train + self.held_out + self.unlabelled

    @classmethod
    def read(cls, statistics: Path) -> Self:
        """From the file of the dataset statistics."""
        found = json.loads(statistics.read_text())
        return cls.of(found["tiles"], found["bands"], found["size"], found["dtype"])

    @classmethod
    def of(cls, tiles: Mapping[str, int], bands: int, size: int, dtype: str) -> Self:
        """From the number of tiles by split."""
        others = sum(n for split, n in tiles.items() if split not in LEARNED)
        return cls(tiles["train"], others, bands, size, dtype, tiles.get(UNLABELLED, 0))


def at_all_scales(config: Config, tiles: Tiles) -> Tiles:
    """Tiles of all scales, about; those that are counted are of scale 1."""
    share = sum(1 / s**2 for s in config.tile.scales)
    counts = {n: math.ceil(getattr(tiles, n) * share) for n in ("train", "held_out", "unlabelled")}
    return replace(tiles, **counts)


def latent_bytes(tiles: int, channels: int, side: int, variants: int, itemsize: int) -> int:
    """Bytes of latents (variants, channels, side, side) of some tiles; of images or of masks, not of both."""
    return tiles * variants * channels * side**2 * itemsize


def megabytes(rule: str, config: Config, wildcards: Any, inputs: Any) -> int:
    """Memory that a job asks for, in MB: for itself, and for what it holds of its data.

    While the statistics that tells the second is still to be made, it is the first alone.

    Args:
        rule: of the job.
        config: of the run.
        wildcards: of the job.
        inputs: of the job; ``inputs.statistics`` are the dataset statistics.
    """
    own = needs(rule, config).memory
    if rule not in HOLDING:
        return own
    try:
        tiles = Tiles.read(Path(inputs.statistics))
    except (OSError, AttributeError, ValueError):
        return own
    generator, ratio = getattr(wildcards, "generator", None), float(getattr(wildcards, "ratio", 0))
    data = held(rule, config, tiles, generator, ratio, _stored(getattr(inputs, "data", ())))
    return own - (-data // 10**6)


def held(
    rule: str, config: Config, tiles: Tiles, generator: str | None = None, ratio: float = 0, latents: int = 0
) -> int:
    """Bytes of data that a job holds at once.

    Args:
        rule: of the job.
        config: of the run.
        tiles: the dataset.
        generator: whose job it is; None for a job of no generator.
        ratio: of the mix that a network is trained on.
        latents: bytes of the latent caches that a training reads.
    """
    images = tile_bytes(tiles.train, tiles.bands, tiles.size, "float16")
    if rule in ("segment", "detect"):
        pairs = config.mix.pairs(ratio, tiles.train)
        real = 0 if config.mix.of == "alone" and pairs else tiles.train
        return _bounded(tile_bytes(real + pairs, tiles.bands, tiles.size, tiles.dtype), getattr(config, rule))
    if rule == "base":
        return _bounded(_base(config.base, at_all_scales(config, tiles)), config.base)
    if rule == "encode":
        return _bounded(images)
    if rule in ("label_train", "image_train"):
        section = config.section(rule, generator)
        assert isinstance(section, LabelTrainConfig | ImageTrainConfig)
        if section.backend == "categorical":
            return _bounded(tiles.train * tiles.size**2, section)
        return _bounded(images if section.backend in ("pix2pix", "cyclegan") else latents, section)
    if rule == "curate":
        return tiles.train * (FEATURES * 12 + 1024 * 8)
    return 0


def _bounded(size: int, shared: Parallel | None = None) -> int:
    """What is held of data of so many bytes: up to the bound in each process."""
    return min(size, HELD_BYTES) * (shared.processes if shared is not None else 1)


def _base(base: BaseConfig, tiles: Tiles) -> int:
    """Bytes of the tiles, or of the latents after them, whichever are more."""
    if base.source != "scratch":
        return 0
    seen = tiles.train + tiles.unlabelled
    return max(tile_bytes(seen, tiles.bands, tiles.size, "float16"), scratch_latents(base, tiles))


def scratch_latents(base: BaseConfig, tiles: Tiles) -> int:
    """Bytes of the latents that a base from scratch is trained on."""
    side = tiles.size // 2 ** (len(base.vae.channels) - 1)
    pictures = tiles.train * (2 if base.masks else 1) + tiles.unlabelled
    return latent_bytes(pictures, base.vae.latent, side, VARIANTS[base.augment], 4)


def _stored(inputs: Sequence[str]) -> int:
    """Bytes of caches, of which a training needs most; they are not compressed."""
    return sum(p.stat().st_size for p in map(Path, inputs) if p.suffix == ".safetensors" and p.exists())


def spare_cores(parts: int, cores: int | None) -> int:
    """CPU threads of each job that cuts tiles, up to four: more than one when shards are few.

    Tiles are the same whatever the number, so that the machine may decide.

    Args:
        parts: shards of tiles.
        cores: that the workflow may use; None where a scheduler decides.
    """
    return max(1, min(4, (cores or 1) // parts))

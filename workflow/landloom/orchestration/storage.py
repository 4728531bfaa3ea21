"""What a run writes to disk, known before it starts. The Snakefile asks, too: nothing heavy is imported."""

import shutil
from pathlib import Path
from typing import cast

from landloom.conditions.patch_extractors import KNOWN
from landloom.config import Config
from landloom.config.curate import CurateConfig
from landloom.config.image_sample import ImageSampleConfig
from landloom.data.held_tiles import tile_bytes
from landloom.errors import InputError
from landloom.orchestration.resources import (
    FEATURES,
    VARIANTS,
    Tiles,
    at_all_scales,
    latent_bytes,
    scratch_latents,
)
from landloom.orchestration.trained_models import TrainedModels

IMAGE = 0.7
"""Share of its pixels' bytes that a compressed image takes. Samples of Potsdam, Vaihingen and LoveDA take
0.43 to 0.65 as PNG."""
MASK = 0.05
"""The same of a mask; those samples take 0.01 to 0.03, and generated masks are more ragged."""
TRUST = 0.5
"""The same of a trust raster."""
ROW = 1000
"""Bytes of what a table says of one sample beside its pixels."""
MAP = 8
"""Classes of a map, more than most legends have."""
BOXES = 3
"""Planes of depth and angle, beside those of the classes of objects."""
TOKENS = 77
"""Tokens of an embedded text."""
TRANSFORMER = 1024
"""Features of a large vision transformer at a place."""
SD15 = (4, 8, 768)
"""Channels of a latent, pixels per cell and width of a text of Stable Diffusion 1.5."""


def data(config: Config, models: TrainedModels, tiles: Tiles) -> dict[str, int]:
    """Bytes of all but trained networks, by rule.

    Args:
        config: of the run.
        models: those of its generators.
        tiles: the dataset; images are compressed as ``IMAGE``, ``MASK`` and ``TRUST`` assume.
    """
    image, mask, trust = pixels(tiles)
    planned = {g: config.plan_of(g) for g in config.generators}
    pairs = sum(p.count for p in planned.values())
    masks = sum(config.plan_of(g).count for g in with_masks(config))
    again = sum(p.shards * sampling(config, g).resamples for g, p in planned.items())
    every = at_all_scales(config, tiles)
    return {
        "tile_scenes": every.every * (image * (1 + other_days(config)) + mask + ROW),
        "ratios": tiles.every * ROW,
        "caption": every.every * 2 * ROW,  # and the answers of a model
        "base": scratch_latents(config.base, every) if config.base.source == "scratch" else 0,
        "encode": latent_caches(config, every) if models.based() else 0,
        "features": tiles.train * FEATURES * 4 if compares(config, models) else 0,
        "label_sample": masks * (mask + ROW),
        "image_sample": (pairs + again) * (image + mask + ROW),
        "curate": pairs * (image + mask + trust + ROW),
        "mix": sum(config.mix.pairs(r, tiles.train) + tiles.train for r in config.mix.ratios) * 100,
        "export": exported(config, models) * copies(config) * (image + mask),
    }


def other_days(config: Config) -> int:
    """Images of other days that lie over a tile at most."""
    return 0 if config.tile.dates is None else config.tile.dates.most


def exported(config: Config, models: TrainedModels) -> int:
    """Number of pairs that are exported, if all are accepted."""
    return sum(config.plan_of(g).count for g in config.generators if models.synthetic(g))


def with_masks(config: Config) -> list[str]:
    """Generators whose masks a run makes: those of the label table only if the report shows it."""
    return list(config.all_generators if config.report.label_table else config.generators)


def sampling(config: Config, generator: str) -> ImageSampleConfig:
    """How a generator samples images."""
    return cast(ImageSampleConfig, config.section("image_sample", generator))


def pixels(tiles: Tiles) -> tuple[int, int, int]:
    """Bytes of an image, a mask and a trust raster, compressed."""
    area = tiles.size**2
    raw = tile_bytes(1, tiles.bands, tiles.size, tiles.dtype) - area
    return int(raw * IMAGE), int(area * MASK), int(area * TRUST)


def latent_caches(config: Config, tiles: Tiles) -> int:
    """Bytes of what ``encode`` writes, uncompressed: latents in all variants, classes, texts, pixels."""
    channels, factor, wide = latent_shape(config)
    itemsize = 2 if config.encode.precision == "bf16" else 4
    kinds = 2 if config.base.masks else 1
    variants = VARIANTS[config.encode.augment]
    latents = latent_bytes(kinds * tiles.train, channels, tiles.size // factor, variants, itemsize)
    texts = 2 * tiles.train * TOKENS * wide * itemsize  # a caption and a prompt, no two of them alike
    planes = 1 + (tiles.bands if config.encode.known_pixels else 0)
    planes += other_days(config) * (tiles.bands + 1) if config.encode.dates else 0
    planes += MAP if config.encode.map else 0
    if config.encode.boxes and config.data.objects:
        planes += len(config.data.objects.names) + BOXES
    return latents + texts + tiles.train * (tiles.size**2 * planes + features(config))


def features(config: Config) -> int:
    """Bytes of the features of a tile in all its variants, with ``encode.embedding``."""
    asked = config.encode.embedding
    if asked is None:
        return 0
    known = KNOWN.get(asked.extractor)
    width = TRANSFORMER if known is None else known.width
    return 2 * VARIANTS[config.encode.augment] * asked.grid**2 * width


def latent_shape(config: Config) -> tuple[int, int, int]:
    """Channels of a latent, pixels per cell and side, width of a text; of a given base, as ``SD15``."""
    base = config.base
    if base.source != "scratch":
        return SD15
    return base.vae.latent, 2 ** (len(base.vae.channels) - 1), base.unet.text_width


def compares(config: Config, models: TrainedModels) -> list[str]:
    """Generators whose images are compared with features of real tiles."""
    return [
        g for g in config.generators
        if cast(CurateConfig, config.section("curate", g)).compares and not models.real("image_sample", g)
    ]  # fmt: skip


def copies(config: Config) -> int:
    """How often an export holds its pixels: COCO and STAC point to the files of another format."""
    files = {"coco": "imagefolder", "coco-boxes": "imagefolder", "stac": "geotiff"}
    return len({files.get(f, f) for f in config.export.formats} - {"geojson-boxes"})


def missing(config: Config, needed: int) -> int:
    """Bytes that a run which needs so many has still to write."""
    return max(0, needed - there(Path("results") / config.dataset))


def full(config: Config, needed: int, beside: int = 0) -> list[InputError]:
    """Problem when the disk of the results has no room for so many bytes, less those that are there.

    ``beside`` is what runs with other shares of labels have still to write.
    """
    root = Path("results") / config.dataset
    disk = next(p for p in (root, *root.absolute().parents) if p.exists())
    free, more = shutil.disk_usage(disk).free, missing(config, needed) + beside
    if config.check.free_disk_gb is not None or free >= more:
        return []
    found = f"{free / 1e9:,.1f} GB are free, and the run writes about {more / 1e9:,.1f} GB more"
    remedy = "Make room (landloom estimate says what takes it), or set check.free_disk_gb to what will do"
    return [InputError(root, found, remedy)]


def there(folder: Path) -> int:
    """Bytes that files in a folder take already; a file of several names counts once."""
    files = [p.stat() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    return sum({s.st_ino: s.st_size for s in files}.values())

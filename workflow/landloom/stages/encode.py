"""Latents and text embeddings of one scene's train tiles, computed once for all trainings."""

import json
from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from landloom.conditions import registry
from landloom.config.base import BaseConfig
from landloom.config.encode import EncodeConfig
from landloom.data import pictures, samples
from landloom.data.pictures import Pictures
from landloom.data.statistics import Statistics
from landloom.data.tensor_file import Kind, Writer
from landloom.diffusion import latent_cache
from landloom.models import bundle
from landloom.models.families.base import Bundle
from landloom.runtime.command_line import In, Out
from landloom.training import precision
from landloom.training.loop import device

VERSION = 3
TEXTS = 64
"""Texts that are embedded together."""


def run(
    config: EncodeConfig, statistics: In, base: In, tiles: In, captions: In, out: Out,
    learned: BaseConfig | None = None,
) -> None:  # fmt: skip
    """Encode images, painted masks, captions and prompts of a scene.

    ``learned`` says what the base has learned: of one that knows no masks, none are encoded.
    """
    dataset = Statistics.load(statistics)
    dtype = precision.dtype(config.precision)
    model = bundle.load(base).to(device(), dtype)
    data = pictures.load(dataset, [tiles], [captions])
    texts = ["", *sorted({*data.captions, *data.prompts} - {""})]
    embedded = embeddings(model, texts)
    first = next(embedded)  # tells their size
    held = small(data, texts) | registry.recorded(config, dataset, [tiles])
    side, shape = dataset.size, latent_cache.shape(model, len(data.ids), dataset.size, config.augment)
    known = learned is None or learned.masks
    kinds = {name: Kind(tensor.dtype, tuple(tensor.shape)) for name, tensor in held.items()} | {
        "text": Kind(first.dtype, (len(texts), *first.shape[1:])),
        "labels": Kind(torch.uint8, (len(data.ids), side, side)),
        "images": Kind(dtype, shape),
        "masks": Kind(dtype, shape if known else (shape[0], 0, *shape[2:])),
    }
    about = {"ids": json.dumps(data.ids)}
    if (scale := samples.metadata(tiles).get("scale", 1)) != 1:
        about["scale"] = str(scale)
    with Writer(out, kinds, about) as file:
        for name, tensor in held.items():
            file.add(name, tensor)
        for rows in chain([first], embedded):
            file.add("text", rows)
        write_tiles(config, model, dataset, data, file, known)


def embeddings(model: Bundle, texts: list[str]) -> Iterator[Tensor]:
    """Embeddings (B, T, D) of texts, some at a time."""
    return (model.embed(texts[i : i + TEXTS]).cpu() for i in range(0, len(texts), TEXTS))


def small(data: Pictures, texts: list[str]) -> dict[str, Tensor]:
    """Columns of a few numbers a tile."""
    row = {text: i for i, text in enumerate(texts)}
    return {
        "ratios": data.ratios,
        "captions": torch.tensor([row[c] for c in data.captions], dtype=torch.long),
        "prompts": torch.tensor([row[p] for p in data.prompts], dtype=torch.long),
    }


def write_tiles(
    config: EncodeConfig, model: Bundle, dataset: Statistics, data: Pictures, file: Writer,
    masks: bool,
) -> None:  # fmt: skip
    """Write class indices, latents of images and, if asked, of painted masks, a batch at a time."""
    dtype = file.kinds["images"].dtype
    for latents in latent_cache.encoded(model, [data.images], config.augment, config.batch):
        file.add("images", latents.to(dtype))
    painted = data.painted(model.palette(len(dataset.classes)))
    for latents in latent_cache.encoded(model, [painted] if masks else [], config.augment, config.batch):
        file.add("masks", latents.to(dtype))
    for rows in torch.arange(len(data.ids)).split(config.batch):
        file.add("labels", data.labels[rows])

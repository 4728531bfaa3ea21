"""Latents and text embeddings of one scene's train tiles, computed once for all trainings."""

import torch
from torch import Tensor

from landloom.conditions import registry
from landloom.config.base import BaseConfig
from landloom.config.encode import EncodeConfig
from landloom.data import pictures
from landloom.data.statistics import Statistics
from landloom.diffusion import latent_cache
from landloom.diffusion.latent_cache import LatentCache
from landloom.models import bundle
from landloom.runtime.command_line import In, Out
from landloom.training.loop import device

VERSION = 3


def run(
    config: EncodeConfig, statistics: In, base: In, tiles: In, captions: In, out: Out,
    learned: BaseConfig | None = None,
) -> None:  # fmt: skip
    """Encode images, painted masks, captions and prompts of a scene.

    ``learned`` says what the base has learned: of one that knows no masks, none are encoded.
    """
    dataset = Statistics.load(statistics)
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    model = bundle.load(base).to(device(), dtype)
    data = pictures.load(dataset, [tiles], [captions])
    texts = ["", *sorted({*data.captions, *data.prompts} - {""})]
    row = {text: i for i, text in enumerate(texts)}
    known = learned is None or learned.masks
    embedded = [model.embed(texts[i : i + 64]).cpu() for i in range(0, len(texts), 64)]
    images = latent_cache.encode(model, [data.images], dataset.size, config.augment, config.batch).to(dtype)
    LatentCache(
        images=images,
        masks=painted(config, model, dataset, data).to(dtype) if known else images[:, :0],
        labels=data.labels,
        ratios=data.ratios,
        captions=torch.tensor([row[c] for c in data.captions], dtype=torch.long),
        prompts=torch.tensor([row[p] for p in data.prompts], dtype=torch.long),
        text=torch.cat(embedded),
        ids=data.ids,
        more=registry.recorded(config, dataset, [tiles]),
    ).save(out)


def painted(
    config: EncodeConfig, model: bundle.Bundle, dataset: Statistics, data: pictures.Pictures
) -> Tensor:
    """Latents (N, A, c, h, w) of the masks in the base's palette."""
    masks = data.painted(model.palette(len(dataset.classes)))
    return latent_cache.encode(model, [masks], dataset.size, config.augment, config.batch)

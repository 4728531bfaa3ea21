"""Training tiles in memory: images, masks and words, ready for the base."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from landloom import progress, samples
from landloom.dataset import Dataset
from landloom.diffusion.bundle import Bundle
from landloom.diffusion.symmetry import COUNT, Augment, turn
from landloom.raster.palette import paint


@dataclass
class Pictures:
    """Training tiles of one or more scenes.

    Attributes:
        images: scaled images (N, C, H, W), float16.
        labels: class indices (N, H, W), uint8.
        ratios: class shares (N, K).
        captions: words for the images.
        prompts: words for the masks.
        ids: tile names.
    """

    images: Tensor
    labels: Tensor
    ratios: Tensor
    captions: list[str]
    prompts: list[str]
    ids: list[str]

    def painted(self, palette: NDArray[np.float32]) -> Tensor:
        """Masks in the generation palette (N, C, H, W), float16."""
        return torch.from_numpy(paint(self.labels.numpy(), palette)).half()


def load(card: Dataset, tiles: Sequence[Path], captions: Sequence[Path]) -> Pictures:
    """Read the train tiles of shards and their words, if any; tiles of val and test are never touched."""
    columns = ["id", "caption", "prompt"]
    words = {r["id"]: r for p in captions for r in pd.read_parquet(p)[columns].to_dict("records")}
    found = list(samples.read(tiles, split="train"))
    shape = (0, card.bands, card.size, card.size)
    images = [torch.from_numpy(card.scale(s.image_array())).half() for s in found]
    labels = [torch.from_numpy(s.mask_array()) for s in found]
    return Pictures(
        images=torch.stack(images) if found else torch.zeros(shape, dtype=torch.float16),
        labels=torch.stack(labels) if found else torch.zeros(shape[0], *shape[2:], dtype=torch.uint8),
        ratios=torch.tensor([s.ratios for s in found]).reshape(len(found), len(card.classes)),
        captions=[words[s.id]["caption"] for s in found if words],
        prompts=[words[s.id]["prompt"] for s in found if words],
        ids=[s.id for s in found],
    )


def encode(bundle: Bundle, pictures: Tensor, augment: Augment, batch: int) -> Tensor:
    """Latents (N, A, c, h, w) of all variants of pictures (N, C, H, W)."""
    side = pictures.shape[-1] // bundle.factor
    shape = (len(pictures), COUNT[augment], int(bundle.vae.config.latent_channels), side, side)
    latents = torch.empty(shape)
    starts = range(0, len(pictures), batch)
    for start in progress.shown(starts, "latents of pictures", len(pictures), batch):
        part = pictures[start : start + batch].float()
        for variant in range(COUNT[augment]):
            latents[start : start + batch, variant] = bundle.encode(turn(part, variant)).float().cpu()
    return latents

"""Training tiles in memory: images, masks and words, ready for the base."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from landloom.data import samples
from landloom.data.statistics import Statistics
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

    def painted(self, palette: NDArray[np.float32]) -> "Painted":
        """Masks in the generation palette."""
        return Painted(self.labels, palette)


@dataclass(frozen=True)
class Painted:
    """Masks (N, H, W) as pictures in the codes (K, C) of a palette; each is painted when it is asked for."""

    labels: Tensor
    palette: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice) -> Tensor:
        """Some of them (B, C, H, W), float16."""
        return torch.from_numpy(paint(self.labels[rows].numpy(), self.palette)).half()


def load(statistics: Statistics, tiles: Sequence[Path], captions: Sequence[Path]) -> Pictures:
    """Read the train tiles of shards and their words, if any; tiles of val and test are never touched."""
    columns = ["id", "caption", "prompt"]
    words = {r["id"]: r for p in captions for r in pd.read_parquet(p)[columns].to_dict("records")}
    count = len(samples.rows(tiles, "train"))
    images = torch.empty(count, statistics.bands, statistics.size, statistics.size, dtype=torch.float16)
    labels = torch.empty(count, statistics.size, statistics.size, dtype=torch.uint8)
    ids, ratios = [], []
    for i, sample in enumerate(samples.read(tiles, split="train")):
        images[i] = torch.from_numpy(statistics.scale(sample.image_array()))
        labels[i] = torch.from_numpy(sample.mask_array())
        ids.append(sample.id)
        ratios.append(sample.ratios)
    return Pictures(
        images=images,
        labels=labels,
        ratios=torch.tensor(ratios).reshape(count, len(statistics.classes)),
        captions=[words[i]["caption"] for i in ids if words],
        prompts=[words[i]["prompt"] for i in ids if words],
        ids=ids,
    )

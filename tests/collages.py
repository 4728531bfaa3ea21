"""Collages of tiny shards."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landloom.config.image_sample import CollageConfig
from landloom.copy_paste.assembly import Collages
from landloom.copy_paste.library import Library
from landloom.data.samples import Sample
from landloom.raster import codec
from tests import shards

SIDE = shards.SIDE


def library(folder: Path, train: int = 8, **config: int) -> Library:
    made = shards.tiles(folder, train=train)
    return Library(shards.dataset(), made, CollageConfig.model_validate(config))


def wanted(labels: NDArray[np.uint8], *parents: str) -> Sample:
    return Sample(id="m", mask=codec.encode(labels), parents=list(parents))


def made(from_: Library, sample: Sample, seed: int = 0) -> tuple[NDArray[np.float32], list[str]]:
    found = Collages(from_, [(sample, seed)])(sample, seed)
    return found.image, list(found.shares)

"""How far each pixel and each pair can be trusted, in the eyes of a network trained on real data."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import nn

from landloom import samples
from landloom.config.curate import CurateConfig
from landloom.dataset import Dataset
from landloom.errors import InputError
from landloom.raster import codec
from landloom.samples import Sample
from landloom.segmentation import networks, verdict
from landloom.segmentation.curation import agreement, class_loss, pixel_loss, trust
from landloom.segmentation.predict import probabilities
from landloom.stage import In, Ins, Out

VERSION = 1


def run(config: CurateConfig, card: In, pairs: In, tiles: Ins, judge: In, out: Out) -> None:
    """Write all pairs with a trust raster and a verdict in their note.

    The judge's mean loss per class comes from val tiles: real data that it was not trained on.

    Raises:
        InputError: there are no val tiles to measure the judge on, or ``judge`` holds no network.
    """
    dataset = Dataset.load(card)
    model = networks.load(judge / "model")
    val = probabilities(model, dataset, samples.read(tiles, split="val"))
    norm = class_loss(val, len(dataset.classes))
    if np.isnan(norm).any():
        raise InputError("tiles", "no val tile has a pixel with a class", "Put a scene in the val split")
    about = samples.metadata(pairs) | {"judge_loss": [round(float(v), 6) for v in norm]}
    samples.write(out, judged(config, dataset, model, samples.read(pairs), norm), about)


def judged(
    config: CurateConfig,
    dataset: Dataset,
    model: nn.Module,
    pairs: Iterator[Sample],
    norm: NDArray[np.float64],
) -> Iterator[Sample]:
    """Yield each pair with its trust and verdict."""
    for sample, found in probabilities(model, dataset, pairs):
        mask = sample.mask_array()
        sample.trust = codec.encode(trust(pixel_loss(found, mask), mask, norm, config.tolerance))
        share = agreement(found.argmax(0).astype(np.uint8), mask)
        sample.note = verdict.write(share, config.min_agreement, sample.note)
        yield sample

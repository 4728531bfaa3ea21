"""Masks that a network predicts of tiles without labels, where it is sure of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from landloom.config.label_sample import PredictedConfig
from landloom.data import samples
from landloom.data.known_pixels import known
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.runtime import progress
from landloom.scenes.splits import UNLABELLED
from landloom.segmentation.predict import probabilities


class Guess(NamedTuple):
    """A predicted mask, encoded, and its class shares."""

    mask: bytes
    ratios: list[float]


def guesses(
    config: PredictedConfig, model: nn.Module, dataset: Statistics, tiles: Sequence[Path]
) -> dict[int, Guess]:
    """Masks of unlabelled tiles, by row over all shards; tiles without a pixel that is sure are left out.

    Raises:
        InputError: no tile is unlabelled, or the network is sure of none of their pixels.
    """
    rows = spread(samples.rows(tiles, UNLABELLED), config.tiles)
    if not rows:
        remedy = "Lower data.split.labelled, give data.unlabelled, or lower tile.size or tile.min_valid"
        raise InputError("label_sample.source: predicted", "no tile is unlabelled", remedy)
    seen = probabilities(model, dataset, samples.pick(tiles, rows))
    found: dict[int, Guess] = {}
    for row, (sample, shares) in progress.shown(zip(rows, seen, strict=True), "tiles predicted", len(rows)):
        mask = sure(shares, known(sample, shares.shape[1:]), config.threshold)
        if (mask != IGNORE).any():
            found[row] = Guess(codec.encode(mask), samples.class_ratios(mask, len(shares)))
    if not found:
        said = f"no pixel of {len(rows)} unlabelled tiles has a class of probability {config.threshold:g}"
        raise InputError("label_sample.predicted.threshold", said, "Lower it, or raise segment.steps")
    return found


def spread(rows: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of some rows, evenly over all of them, in order."""
    if len(rows) <= most:
        return list(rows)
    return [rows[i] for i in np.linspace(0, len(rows) - 1, most).round().astype(int)]


def sure(probabilities: NDArray[np.float32], valid: NDArray[np.bool_], threshold: float) -> NDArray[np.uint8]:
    """The likeliest class (H, W) of probabilities (K, H, W); IGNORE below a threshold and where not valid."""
    mask = probabilities.argmax(0).astype(np.uint8)
    return np.where(valid & (probabilities.max(0) >= threshold), mask, np.uint8(IGNORE))

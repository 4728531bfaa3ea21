"""Which values of each band are mapped to -1 and 1."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.config.ratios import RatiosConfig
from landloom.data import known_pixels, samples
from landloom.errors import InputError
from landloom.raster import histogram
from landloom.scenes.splits import LEARNED

VALUES = 4_000_000
"""Most values per band that percentiles are taken from."""
TILES = 4096
"""Most tiles that percentiles are taken from."""


def limits(
    config: RatiosConfig, tiles: Sequence[Path], dtype: str, bands: int
) -> tuple[list[float], list[float]]:
    """Lower and upper limit of each band, finite and in the images' own units; equal for a constant band.

    Args:
        config: where the limits come from.
        tiles: shards; only their train tiles, and those without labels, count.
        dtype: numpy type of the images.
        bands: number of image bands.

    Raises:
        InputError: the dtype has no range to use, or no pixel has a value.
    """
    if config.scale == "range" and config.range is not None:
        return [config.range[0]] * bands, [config.range[1]] * bands
    if config.scale == "dtype":
        if np.dtype(dtype).kind not in "iu":
            raise InputError(
                "ratios.scale: dtype",
                f"images are {dtype}, which has no natural range",
                "Use percentile or range",
            )
        info = np.iinfo(dtype)
        return [float(info.min)] * bands, [float(info.max)] * bands
    counts = histogram_of(tiles)
    if counts is None:
        low, high = np.percentile(_finite(pixels(tiles, bands)), config.percentiles, axis=1).tolist()
    else:
        low, high = np.transpose([histogram.percentiles(c, config.percentiles) for c in counts]).tolist()
    for band, (a, b) in enumerate(zip(low, high, strict=True), 1):
        if a == b:
            found = f"band {band} is {a:g} nearly everywhere; it tells the model nothing"
            print(f"warning: {found}, and synthetic images have this value everywhere", file=sys.stderr)
    return low, high


def histogram_of(tiles: Sequence[Path]) -> NDArray[np.int64] | None:
    """How often each value (C, 256) occurs in pixels that count, of all tiles that are learned from.

    None where it was not counted for all shards, and where there is no such pixel.
    """
    found = [samples.totals(path).get("histogram") for path in tiles]
    if None in found:
        return None
    counts = np.array(found, np.int64).sum(0)
    return counts if counts.any() else None


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """The pixels (n,) of (C, n) with a value in every band.

    Raises:
        InputError: there is none.
    """
    known = np.isfinite(values)
    if known.all(0).any():
        return values[:, known.all(0)]
    empty = [str(i) for i, band in enumerate(known, 1) if not band.any()]
    where = f"band {', '.join(empty)}" if empty else "all bands"
    raise InputError(
        f"train tiles, {where}",
        "no pixel with a class has a value",
        "Leave the band out with data.bands, or correct data.nodata",
    )


def pixels(tiles: Sequence[Path], bands: int) -> NDArray[Any]:
    """Values (C, n) of pixels that count, evenly thinned to at most VALUES a band.

    They have a class, in train tiles, or data, in those without labels. Images of more than 8 bits, and
    shards without counts, are decoded.
    """
    wanted = samples.rows(tiles, *LEARNED)
    total = len(wanted)
    every = max(1, -(-total // TILES))
    per_tile = VALUES // -(-total // every)
    parts: list[NDArray[Any]] = [np.empty((bands, 0))]
    for sample in samples.pick(tiles, wanted[::every]):
        whole = sample.image_array()
        image = whole[:, known_pixels.known(sample, whole.shape[1:])]
        # An odd step, so that columns of the tile take turns.
        parts.append(image[:, :: -(-image.shape[1] // per_tile) | 1])
    return np.concatenate(parts, axis=1)

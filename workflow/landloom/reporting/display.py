"""What is black and what is white in pictures of images, so that dark ones can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.data import samples
from landloom.data.statistics import Statistics

DARK = 0.3
"""An image is dark when 99 of 100 of its values lie below this share of the range."""
TILES, EVERY = 32, 4
"""Train tiles that say whether a whole dataset is dark, and the step between their pixels that count."""


@dataclass(frozen=True)
class Range:
    """Which values, as shares of a range, become black and white."""

    low: float = 0.0
    high: float = 1.0

    @property
    def gain(self) -> float:
        """How much steeper than the whole range it is."""
        return 1 / (self.high - self.low)

    def stretch(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shares of this range, clipped, of values of any shape."""
        return np.asarray(np.clip((values - np.float32(self.low)) * np.float32(self.gain), 0, 1), np.float32)


WHOLE = Range()


def visible(values: NDArray[np.float32]) -> Range:
    """The range in which a dark image (C, n) can be seen; all of it for one that is not dark.

    Bands are stretched alike, so that colours stay. Pixels that are black in all bands may be missing, and do
    not count; an image of one value stays as it is.
    """
    known = values[:, (values > 0).any(0)]
    if not known.size:
        return WHOLE
    low, high = (float(v) for v in np.percentile(known, (1, 99)))
    return Range(low, high) if low < high < DARK else WHOLE


class Display:
    """Makes pictures of a dataset's images.

    Args:
        statistics: the dataset statistics.
        range: what is shown of the range that the statistics scale to [-1, 1].
    """

    def __init__(self, statistics: Statistics, range: Range = WHOLE) -> None:
        self.statistics, self.range = statistics, range

    @classmethod
    def of(cls, statistics: Statistics, tiles: Sequence[Path]) -> "Display":
        """The display of a dataset: all pictures are stretched alike where its train tiles are dark.

        They are when ``ratios.scale`` takes more than what the images hold, such as all 16 bits.
        """
        plain = cls(statistics)
        rows = samples.rows(tiles, "train")
        chosen = rows[:: -(-len(rows) // TILES) or 1]
        found = [
            plain.shares(s.image_array()[:, ::EVERY, ::EVERY]).reshape(3, -1)
            for s in samples.pick(tiles, chosen)
        ]
        return cls(statistics, visible(np.concatenate(found, 1)) if found else WHOLE)

    def shares(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Red, green and blue (3, H, W) of an image (C, H, W) as shares of the shown range."""
        x = self.statistics.scale(image)[self.statistics.rgb]
        x = np.repeat(x, 3, 0) if len(x) == 1 else x
        return self.range.stretch((x + np.float32(1)) / np.float32(2))

    def visible(self, image: NDArray[Any]) -> Range:
        """What is shown of the values of an image (C, H, W), once more as shares of the shown range."""
        return visible(self.shares(image).reshape(3, -1))

    def picture(self, image: NDArray[Any], shown: Range | None = None) -> NDArray[np.uint8]:
        """Natural-colour picture (H, W, 3) of an image (C, H, W); a dark one is stretched."""
        values = self.shares(image)
        found = (shown or visible(values.reshape(3, -1))).stretch(values)
        return np.rint(np.moveaxis(found, 0, -1) * 255).astype(np.uint8)

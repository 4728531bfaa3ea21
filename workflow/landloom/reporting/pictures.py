"""Small pictures as data: URIs, so that the page needs no other file."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.raster import palette

DOUBTED, TRUSTED = (168, 62, 38), (233, 237, 230)
"""Colours of a pixel that the judge does not trust at all, and of one that it trusts fully."""


def uri(png: bytes) -> str:
    """Write PNG bytes as a data: URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def encode(picture: NDArray[np.uint8], side: int, flat: bool) -> str:
    """Shrink (H, W, 3) to at most ``side`` pixels and encode it with 256 colours.

    Args:
        picture: the picture.
        side: longest side in pixels; smaller pictures keep their size.
        flat: whether colours are meanings (masks) and must not be blended.

    """
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((side, side), Image.Resampling.NEAREST if flat else Image.Resampling.LANCZOS)
    dither = Image.Dither.NONE if flat else Image.Dither.FLOYDSTEINBERG
    if not flat or image.getcolors(256) is not None:
        image = image.quantize(256, dither=dither)
    memory = io.BytesIO()
    image.save(memory, "PNG", optimize=True)
    return uri(memory.getvalue())


def trust_colors(trust: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour trust (H, W), 0 to 255, from rust (doubted) to pale (trusted): (H, W, 3)."""
    steps = np.linspace(0, 1, 256)[:, None]
    table = np.rint((1 - steps) * DOUBTED + steps * TRUSTED).astype(np.uint8)
    return np.asarray(table[trust], np.uint8)


class Thumbnails:
    """Makes the thumbnails of a dataset's samples.

    Args:
        statistics: the dataset statistics.
        side: longest side in pixels.

    """

    def __init__(self, statistics: Statistics, side: int) -> None:
        self.statistics, self.side = statistics, side

    def image(self, sample: Sample) -> str:
        """Natural-colour picture of a sample's image."""
        return encode(self.statistics.preview(sample.image_array()), self.side, flat=False)

    def mask(self, mask: NDArray[Any]) -> str:
        """Picture of class indices (H, W) in the dataset's colours."""
        return encode(palette.rgb(mask.astype(np.uint8), self.statistics.colors), self.side, flat=True)

    def trust(self, sample: Sample) -> str | None:
        """Picture of the judge's trust; None when the sample has none."""
        if sample.trust is None:
            return None
        return encode(trust_colors(sample.trust_array()), self.side, flat=False)

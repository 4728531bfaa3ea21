"""Pictures as data: URIs, so that the page needs no other file."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from landloom.data.samples import Sample
from landloom.raster import palette
from landloom.raster.labels import IGNORE
from landloom.reporting.display import WHOLE, Display

DOUBTED, TRUSTED = (168, 62, 38), (233, 237, 230)
"""Colours of a pixel that the judge does not trust at all, and of one that it trusts fully."""
MOST, LEAST = 512, 48
"""Longest side of a picture in pixels, at most and at least."""
SMALL = 128
"""Side up to which the page does not shrink a picture, so that its pixels can be seen."""
PHOTO_BYTES, FLAT_BYTES = 0.8, 0.3
"""Signs that a pixel of a picture of each kind takes in the page, when the picture is not easy."""


@dataclass(frozen=True)
class Picture:
    """A picture, how many times as bright as its like it is, and whether the page shrinks it smoothly."""

    src: str
    gain: str = ""
    smooth: bool = False


def uri(content: bytes, kind: str = "png") -> str:
    """Write the bytes of an image file as a data: URI."""
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()


def photo(picture: NDArray[np.uint8], side: int = MOST) -> str:
    """Shrink (H, W, 3) to at most ``side`` pixels and encode it as JPEG, with the colour of each pixel."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    memory = io.BytesIO()
    image.save(memory, "JPEG", quality=85, subsampling=0, optimize=True)
    return uri(memory.getvalue(), "jpeg")


def dense(picture: NDArray[np.uint8]) -> str:
    """Encode (H, W, 3) as WebP, in two thirds of the bytes: for what is large."""
    memory = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(memory, "WEBP", quality=75, method=4)
    return uri(memory.getvalue(), "webp")


def flat(mask: NDArray[np.uint8], colors: list[str], side: int = MOST) -> str:
    """Shrink class indices (H, W) to at most ``side`` pixels and encode them in exact colours, as PNG."""
    rest = len(colors)  # a short list of colours makes a small file
    image = Image.fromarray(np.where(mask == IGNORE, np.uint8(rest), mask))
    image.thumbnail((side, side), Image.Resampling.NEAREST)
    image.putpalette([*np.ravel([palette.parse(c) for c in colors]).tolist(), 255, 255, 255])
    memory = io.BytesIO()
    image.save(memory, "PNG")
    return uri(memory.getvalue())


def side(photos: int, masks: int, budget: float) -> int:
    """Longest side with which so many pictures take so many bytes: many are shown smaller."""
    each = max(photos * PHOTO_BYTES + masks * FLAT_BYTES, 1)
    return int(np.clip((budget / each) ** 0.5, LEAST, MOST))


def trust_colors(trust: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour trust (H, W), 0 to 255, from rust (doubted) to pale (trusted): (H, W, 3)."""
    steps = np.linspace(0, 1, 256)[:, None]
    table = np.rint((1 - steps) * DOUBTED + steps * TRUSTED).astype(np.uint8)
    return np.asarray(table[trust], np.uint8)


class Thumbnails:
    """Makes the pictures of a dataset's samples.

    Args:
        display: how images are shown.
        side: longest side in pixels.

    """

    def __init__(self, display: Display, side: int) -> None:
        self.display, self.side = display, side

    def image(self, sample: Sample) -> Picture:
        """Natural-colour picture of a sample's image."""
        image = sample.image_array()
        shown = self.display.visible(image)
        gain = "" if shown == WHOLE else f"×{shown.gain:.3g}"
        smooth = min(self.side, max(image.shape[1:])) > SMALL
        return Picture(photo(self.display.picture(image, shown), self.side), gain, smooth)

    def mask(self, mask: NDArray[Any]) -> Picture:
        """Picture of class indices (H, W) in the dataset's colours."""
        return Picture(flat(mask.astype(np.uint8), self.display.statistics.colors, self.side))

    def trust(self, sample: Sample) -> Picture | None:
        """Picture of the judge's trust; None when the sample has none."""
        if sample.trust is None:
            return None
        return Picture(photo(trust_colors(sample.trust_array()), self.side))

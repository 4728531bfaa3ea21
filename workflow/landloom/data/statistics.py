"""The dataset statistics: classes, bands and scaling. ``ratios`` makes them, later stages read them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from landloom.errors import InputError
from landloom.runtime.reading import object_of


class ClassInfo(BaseModel):
    """Name and picture colour of a class."""

    name: str
    color: str


class Statistics(BaseModel):
    """What later stages need to know of the data.

    Attributes:
        size: side of a tile in pixels.
        classes: in the order of mask indices.
        bands: number of image bands.
        dtype: numpy type of stored images.
        rgb: bands of a natural-colour picture, counted from 0.
        low: value per band that is mapped to -1.
        high: value per band that is mapped to 1; equal to ``low`` where a band is constant.
        prior: mean share of each class over the train tiles.
        tiles: number of tiles per split; 'unlabelled' only where there are any.
        scenes: number of scenes.
        objects: classes of objects, in the order of their categories; None if nobody looked for any.
        dates: other days that lie over a tile at most; left out of the file if there are none.
        map: classes of the map of each tile; none where there are no maps.
    """

    name: str
    size: int
    classes: list[ClassInfo]
    bands: int
    dtype: str
    rgb: list[int]
    low: list[float]
    high: list[float]
    prior: list[float]
    tiles: dict[Literal["train", "val", "test", "unlabelled"], int]
    scenes: int
    objects: list[ClassInfo] | None = None
    dates: int = 0
    map: list[str] = []

    @property
    def names(self) -> list[str]:
        """Class names."""
        return [c.name for c in self.classes]

    @property
    def colors(self) -> list[str]:
        """Class colours."""
        return [c.color for c in self.classes]

    def scale(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Map (..., C, H, W) in the image's own units to [-1, 1], clipped; NaN and infinities become -1."""
        return scale(image, self.low, self.high)

    def unscale(self, x: NDArray[np.float32]) -> NDArray[Any]:
        """Map [-1, 1] back to the image's own units and type; a constant band gets its constant."""
        # Single precision cannot hold all 32-bit integers.
        low, high = np.array([self.low, self.high], np.float64)[..., None, None]
        return fit((np.clip(x, -1, 1) + 1) / 2 * (high - low) + low, np.dtype(self.dtype))

    def preview(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        """Natural-colour picture (H, W, 3) of an image (C, H, W) in its own units."""
        return preview(image, self.low, self.high, self.rgb)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(self.model_dump(exclude_defaults=True), indent=1, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Statistics":
        """Read from JSON.

        Raises:
            InputError: the file does not hold dataset statistics.
        """
        try:
            return cls.model_validate(object_of(path, "Run ratios again", "no dataset statistics"))
        except ValidationError as error:
            raise InputError(
                path, f"no dataset statistics ({error.error_count()} errors)", "Run ratios again"
            ) from None


def scale(image: NDArray[Any], low: Sequence[float], high: Sequence[float]) -> NDArray[np.float32]:
    """``Statistics.scale`` by the limits (C,) of each band."""
    exact = np.float64 if wide(image.dtype.itemsize, image.dtype.kind == "f") else np.float32
    least, most = np.array([low, high], exact)[..., None, None]
    values = image.astype(exact)
    values[~np.isfinite(values)] = -np.inf
    span = np.where(most > least, most - least, 1)  # a constant band has none
    return np.asarray(np.clip((values - least) / span, 0, 1) * 2 - 1, np.float32)


def preview(
    image: NDArray[Any], low: Sequence[float], high: Sequence[float], rgb: Sequence[int]
) -> NDArray[np.uint8]:
    """``Statistics.preview`` by the limits (C,) of each band, and the bands of a picture."""
    x = scale(image, low, high)[[*rgb]]
    x = np.repeat(x, 3, 0) if len(x) == 1 else x
    return np.rint((np.moveaxis(x, 0, -1) + 1) * 127.5).astype(np.uint8)


def wide(itemsize: int, floating: bool) -> bool:
    """Whether single precision would lose values of a type: integers of 32 bits, floats of 64, and more."""
    return itemsize > (4 if floating else 2)


def fit(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Floats of any shape in a type: integers are rounded, and clipped to what the type holds."""
    if dtype.kind == "f":
        return values.astype(dtype)
    info, exact = np.iinfo(dtype), values.astype(np.float64)
    high = float(info.max)
    if int(high) > info.max:  # 64 bits: the nearest float is one too many
        high = float(np.nextafter(high, 0))
    return np.rint(np.clip(exact, info.min, high)).astype(dtype)

"""The labels of a scene, whatever files hold them: one mask, a file for each class, or shapes."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.alignment import AlignedMask, Place
from landloom.raster.label_layers import ClassMask, Layer, Shapes
from landloom.raster.labels import IGNORE, Legend, Mask
from landloom.raster.readable import readable
from landloom.raster.unknown import UnknownValues


class Labels(ABC):
    """Labels on the grid of a scene.

    Attributes:
        rasters: open masks, on the grid of the image.
    """

    rasters: Sequence[Mask]

    @abstractmethod
    def read(self, part: Slice) -> tuple[NDArray[np.uint8], Counter[float]]:
        """Class indices (h, w) of a part inside the scene, and how often each unknown value occurs in it.

        Raises:
            InputError: a file cannot be read, or does not fit the config.
        """

    def refusal(self, unknown: Counter[float]) -> InputError:
        """The error for unknown values, however often each was found."""
        raise NotImplementedError

    def hidden(self, part: Slice) -> int:
        """Number of pixels of a class that are transparent, or hidden by a mask band."""
        return 0

    def uncovered(self, part: Slice) -> int:
        """Number of pixels that a mask on another grid does not cover."""
        gone = [~m.covered(part) for m in self.rasters if isinstance(m, AlignedMask)]
        return int(np.logical_or.reduce(gone).sum()) if gone else 0


class OneMask(Labels):
    """One raster whose values are the classes."""

    def __init__(self, mask: Mask, data: DataConfig) -> None:
        """Take an open mask.

        Raises:
            InputError: the config says nothing of its values.
        """
        if data.rest or not all(c.values for c in data.classes):
            found = f"{mask.name} holds pixels of all classes, whose values are to be listed"
            raise InputError("data.classes", found, "Give each class its values, and leave data.rest out")
        self.mask, self.rasters, self.legend = mask, [mask], Legend(data)

    def read(self, part: Slice) -> tuple[NDArray[np.uint8], Counter[float]]:
        """See ``Labels``."""
        with readable(self.mask.name):
            return self.legend.read(self.mask, part)

    def refusal(self, unknown: Counter[float]) -> InputError:
        """See ``Labels``."""
        return UnknownValues(self.mask, unknown, self.legend)

    def hidden(self, part: Slice) -> int:
        """See ``Labels``."""
        with readable(self.mask.name):
            return self.legend.hidden(self.mask, part)


class Layers(Labels):
    """Several layers, the later over the earlier; what none takes is the rest."""

    def __init__(self, layers: Sequence[Layer], rasters: Sequence[Mask], data: DataConfig) -> None:
        self.layers, self.rasters = layers, rasters
        names = [c.name for c in data.classes]
        self.rest = IGNORE if data.rest is None else names.index(data.rest)

    def read(self, part: Slice) -> tuple[NDArray[np.uint8], Counter[float]]:
        """See ``Labels``."""
        canvas = np.full((part.height, part.width), self.rest, np.uint8)
        for layer in self.layers:
            layer.draw(part, canvas)
        return canvas, Counter()


def opened(files: Sequence[Mask | Path], place: Place | None, data: DataConfig) -> Labels:
    """Labels of a scene: one file for all classes, or one for each that has its own.

    Args:
        files: open masks, and paths of shapes.
        place: where the image lies; None where its files do not say it.
        data: the config.

    Raises:
        InputError: they do not fit the config or each other.
    """
    if not data.own:
        (file,) = files
        if isinstance(file, Path):
            return Layers([Shapes(file, place, data, None)], [], data)
        return OneMask(file, data)
    names = [c.name for c in data.classes]
    layers: list[Layer] = [
        Shapes(f, place, data, names.index(n)) if isinstance(f, Path) else ClassMask(f, names.index(n), data)
        for f, n in zip(files, data.own, strict=True)
    ]
    return Layers(layers, [f for f in files if not isinstance(f, Path)], data)

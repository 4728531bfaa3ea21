"""The labels of a scene, whatever files hold them: one mask, a file for each class, or shapes."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.alignment import AlignedMask
from landloom.raster.labels import IGNORE, UNKNOWN, Legend, Mask
from landloom.raster.readable import readable
from landloom.raster.unknown import UnknownValues, lossy


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


class Layer(ABC):
    """What is drawn onto a map of classes."""

    @abstractmethod
    def draw(self, part: Slice, canvas: NDArray[np.uint8]) -> None:
        """Write class indices, or IGNORE, into a canvas (h, w) that is a part of the scene.

        Raises:
            InputError: a file cannot be read, or does not fit the config.
        """


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


class ClassMask(Layer):
    """The raster of one class: what is not 0 in it, or has one of the class's values, is the class."""

    def __init__(self, mask: Mask, index: int, data: DataConfig) -> None:
        """Take an open mask.

        Raises:
            InputError: its compression makes zeros something else, and no tolerance is given.
        """
        self.mask, self.index, self.legend = mask, index, Legend(data, index)
        self.values = data.classes[index].values
        if lossy(mask) and not data.tolerance:
            found = "it is compressed with loss (JPEG or the like), so that what is 0 is not sure"
            raise InputError(
                mask.name, found, "Export it again as PNG or GeoTIFF, or set data.tolerance, such as 64"
            )

    def draw(self, part: Slice, canvas: NDArray[np.uint8]) -> None:
        """See ``Layer``. Values to be ignored, and nodata other than 0, take what earlier classes drew."""
        with readable(self.mask.name):
            found, codes = self.legend.find(self.mask, part)
            covered = self.mask.covered(part) if isinstance(self.mask, AlignedMask) else np.bool_(True)
        canvas[(found == IGNORE) & (codes != 0) | ~covered] = IGNORE
        some = np.abs(codes.astype(np.float64)) > self.legend.tolerance
        canvas[found == self.index if self.values else (found == UNKNOWN) & some] = self.index


def opened(masks: Sequence[Mask], data: DataConfig) -> Labels:
    """Labels of a scene with open masks: one for all classes, or one for each that has its own file.

    Raises:
        InputError: they do not fit the config.
    """
    if not data.own:
        return OneMask(masks[0], data)
    names = [c.name for c in data.classes]
    layers = [ClassMask(m, names.index(n), data) for m, n in zip(masks, data.own, strict=True)]
    return Layers(layers, masks, data)

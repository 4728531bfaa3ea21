"""What generators are told of the windows of a scene: each is a sample that is read when it is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from landloom.data.canvas import Canvas
from landloom.data.samples import Meta, Sample, class_ratios
from landloom.raster import acquisition
from landloom.raster.asked_scenes import indices
from landloom.raster.mirrored import Raster
from landloom.raster.windows import Window


@dataclass
class WindowSample(Sample):
    """A window as a sample whose pixels are at hand and not encoded.

    Attributes:
        labels: class indices (H, W).
        pixels: image (C, H, W) in its own units, or None.
    """

    labels: NDArray[np.uint8] | None = None
    pixels: NDArray[Any] | None = None

    def mask_array(self) -> NDArray[np.uint8]:
        """The mask as (H, W) class indices."""
        assert self.labels is not None
        return self.labels

    def image_array(self) -> NDArray[Any]:
        """The image as (C, H, W) in its own units."""
        assert self.pixels is not None
        return self.pixels


class Scene:
    """A mask, and an image if there is one, on a canvas.

    Args:
        name: for messages.
        canvas: where windows are counted.
        mask: class indices; its upper left pixel is that of the canvas.
        image: on the same grid, in the dataset's units.
        classes: number of classes.
        caption: words for a window of given class shares (K,).
        meta: what all windows are told; a place or sampling distance that is None is that of the window.
    """

    def __init__(
        self, name: str, canvas: Canvas, mask: Raster, image: Raster | None, classes: int,
        caption: Callable[[Sequence[float]], str], meta: Meta | None = None,
    ) -> None:  # fmt: skip
        self.name, self.canvas, self.mask, self.image = name, canvas, mask, image
        self.classes, self.caption, self.meta = classes, caption, meta or Meta()

    def sample(self, window: Window) -> WindowSample:
        """The window at global rows and columns.

        Raises:
            InputError: the mask holds a class that is not there.
        """
        inside = window._replace(row=window.row - self.canvas.row, col=window.col - self.canvas.col)
        labels, image = self.labels(inside), None if self.image is None else self.image.read(inside)
        ratios = class_ratios(labels, self.classes)
        return WindowSample(
            id=f"{self.name}/{window.row}/{window.col}", scene=self.name, row=window.row, col=window.col,
            labels=labels, pixels=image, image=None if image is None else b"", ratios=ratios,
            caption=self.caption(ratios), meta=self.told(window), source=self.name,
        )  # fmt: skip

    def samples(self, windows: Sequence[Window]) -> list[WindowSample]:
        """Of several windows."""
        return [self.sample(w) for w in windows]

    def labels(self, inside: Window) -> NDArray[np.uint8]:
        """Class indices (H, W) of a window, counted from the corner of the canvas."""
        return indices(self.mask, inside, self.classes)

    def told(self, window: Window) -> Meta:
        """Place and sampling distance of a window, and what is said of the scene."""
        crs, transform = self.canvas.crs, self.canvas.at(window).transform
        if crs is None or transform is None:
            return self.meta
        move = Affine(*transform)
        point = acquisition.place(crs, move @ (window.width / 2, window.height / 2), self.name)
        lon, lat = (self.meta.lon, self.meta.lat) if self.meta.lon is not None else (point or (None, None))
        gsd = self.meta.gsd if self.meta.gsd is not None else acquisition.gsd(crs, move, lat)
        return replace(self.meta, lon=lon, lat=lat, gsd=gsd)

"""Which objects of a scene a tile takes along, and masks painted from them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landloom.data.objects import Object
from landloom.objects.shapes import shares_within
from landloom.raster.painting import Painting
from landloom.raster.windows import Window


class Layout:
    """The objects of a scene, ready to be cut.

    Args:
        objects: in pixels of the scene, in the order of their file.
        share: of an object's area that must lie in a window.
    """

    def __init__(self, objects: Sequence[Object], share: float) -> None:
        self.objects, self.share = objects, share
        self.quads = np.array([o.quad() for o in objects]).reshape(-1, 4, 2)

    def within(self, window: Window, scale: int = 1) -> list[Object]:
        """Objects of which at least the share lies in a window, in its pixels, whole and in order.

        Its pixels are blocks of ``scale`` pixels of the scene.
        """
        start = np.array([window.col, window.row])
        end = start + np.array([window.width, window.height])
        near = np.flatnonzero(((self.quads.max(1) > start) & (self.quads.min(1) < end)).all(1))
        inside = shares_within(self.quads[near], (*start, *end))
        kept = near[inside >= self.share - 1e-9]  # sums of areas are not exact
        return [self._moved(self.objects[i], start, scale) for i in kept]

    def _moved(self, one: Object, start: NDArray[np.int64], scale: int) -> Object:
        return Object(one.category, ((one.quad() - start) / scale).ravel().tolist(), one.difficult)

    def painting(self) -> Painting:
        """Their mask: 0 for the background, then one class each; of two objects the smaller one shows."""
        values = np.array([o.category + 1 for o in self.objects], np.uint8)
        return Painting.of(self.quads, values)

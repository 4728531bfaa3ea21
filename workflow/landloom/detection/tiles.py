"""Training tiles of a detector: an image and its objects."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landloom.data.samples import Sample
from landloom.data.tile_dataset import SampleRows, apart
from landloom.detection.boxes import Array, quads
from landloom.errors import InputError


class ObjectTile(NamedTuple):
    """An image (C, H, W) in its own units, and its objects.

    Attributes:
        image: as stored.
        corners: of the objects (N, 4, 2), pixels.
        categories: class of each (N,).
        difficult: whether each is left out (N,).
    """

    image: NDArray[Any]
    corners: Array
    categories: NDArray[np.int64]
    difficult: NDArray[np.bool_]


class ObjectTiles(SampleRows[ObjectTile]):
    """Tiles with their objects; see ``SampleRows``.

    Raises:
        InputError: besides, nobody looked for objects in a sample: it cannot be taken for one without any.
    """

    columns = ("id", "image", "objects")

    def _row(self, sample: Sample) -> ObjectTile:
        found = sample.objects
        if found is None:
            remedy = "Leave it out, or give its objects: an empty list if there are none"
            raise InputError(sample.id, "nobody looked for objects in it", remedy)
        categories = np.array([o.category for o in found], np.int64)
        difficult = np.array([o.difficult for o in found], np.bool_)
        return ObjectTile(apart(self._image(sample)), quads(found), categories, difficult)

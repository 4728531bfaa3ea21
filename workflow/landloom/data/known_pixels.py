"""Which pixels of a tile count in statistics of the images: a tile without a mask says it by itself."""

import numpy as np
from numpy.typing import NDArray

from landloom.data.layers import Layer
from landloom.data.samples import Sample
from landloom.raster import codec
from landloom.raster.labels import IGNORE

VALID = "valid"
"""Layer of a tile without a mask: 1 where its image holds data. Without the layer it does everywhere."""


def layers(valid: NDArray[np.bool_]) -> list[Layer]:
    """The layer that says where an image holds data (H, W); none if that is everywhere."""
    return [] if valid.all() else [Layer(VALID, codec.encode(valid.astype(np.uint8)))]


def known(sample: Sample, sides: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels (H, W) of a tile with these sides that have a class; without a mask those that hold data."""
    if sample.mask is not None:
        return sample.mask_array() != IGNORE
    found = sample.layer(VALID)
    return found[0].array()[0] != 0 if found else np.ones(sides, np.bool_)

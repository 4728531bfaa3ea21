"""The map of a sample's ground: one of its layers, as ``tile`` draws it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.data.layers import Layer
from landloom.raster import codec

MAP = "map"
"""Layer with one band for each class of the legend, on the sample's grid; see ``raster.map_drawing``."""


def layers(found: NDArray[np.uint8] | None) -> list[Layer]:
    """The layer of a map (K, H, W) as it is drawn; none where nothing is known."""
    return [] if found is None else [Layer(MAP, codec.encode(found))]


def of(sample: Any) -> NDArray[np.uint8] | None:
    """The map (K, H, W) of a sample; None if it has none."""
    found = sample.layer(MAP)
    return found[0].array() if found else None

"""Objects of a sample: boxes that may stand at an angle, as detection data sets have them."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass
class Object:
    """One object.

    Attributes:
        category: index of its class.
        corners: x and y of four corners around it, pixels of the sample from its upper left; eight numbers.
        difficult: whether scores leave it out, as in DOTA.
    """

    category: Annotated[int, pa.int32()]
    corners: Annotated[list[float], pa.list_(pa.float64())]
    difficult: Annotated[bool, pa.bool_()] = False

    def __post_init__(self) -> None:
        if len(self.corners) != 8:
            raise ValueError(f"an object has four corners, not {len(self.corners)} numbers")

    def quad(self) -> NDArray[np.float64]:
        """Its corners as (4, 2) x and y."""
        return np.reshape(np.asarray(self.corners, np.float64), (4, 2))

"""Further rasters of a sample, each on its own grid: another date, a map, a coarser image.

They lie beside ``image`` and ``mask`` of a sample. A condition reads one by its name.
"""

import datetime
from dataclasses import dataclass
from typing import Annotated, Any

import pyarrow as pa
from numpy.typing import NDArray

from landloom.raster import codec


@dataclass
class Layer:
    """One raster over the ground of a sample, with its own bands, type and units.

    Attributes:
        name: what it shows, such as 'map'; layers of one name are of one kind, such as several dates.
        raster: encoded, lossless.
        transform: six affine coefficients of its grid, pixel to map; None if it spans just the sample.
        acquired: day of acquisition (UTC), or None.
    """

    name: Annotated[str, pa.string()]
    raster: Annotated[bytes, pa.binary()]
    transform: Annotated[list[float] | None, pa.list_(pa.float64())] = None
    acquired: Annotated[datetime.date | None, pa.date32()] = None

    def array(self) -> NDArray[Any]:
        """The raster as (C, H, W), in its own units."""
        return codec.decode(self.raster)

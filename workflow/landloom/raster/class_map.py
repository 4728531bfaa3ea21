"""Maps of classes: GeoTIFF on a scene's own grid, written a part at a time."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import shutil
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine
from rasterio.windows import Window as Slice

from landloom.raster import palette
from landloom.raster.labels import IGNORE
from landloom.raster.reader import SceneReader

BLOCK = 256
"""Side of the file's own tiles in pixels."""
LAYOUT = {"driver": "GTiff", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "bigtiff": "if_safer"}


class Grid(NamedTuple):
    """Where the pixels of a scene lie.

    Attributes:
        height: of the scene in pixels.
        width: of the scene in pixels.
        crs: authority code or WKT, or None.
        transform: six affine coefficients, pixel to map, or None.
    """

    height: int
    width: int
    crs: str | None
    transform: Sequence[float] | None

    @classmethod
    def of(cls, scene: SceneReader) -> Self:
        """Grid of an open scene."""
        place = None if scene.transform is None else [float(x) for x in scene.transform[:6]]
        return cls(scene.height, scene.width, scene.crs, place)

    def profile(self) -> dict[str, Any]:
        """Size and place, as rasterio takes them."""
        placed = {} if self.transform is None else {"transform": Affine(*self.transform)}
        return {"height": self.height, "width": self.width, "crs": self.crs} | placed


@contextmanager
def writing(
    path: Path, grid: Grid, colors: Sequence[str], tags: Mapping[str, str]
) -> Iterator[Callable[[int, int, NDArray[np.uint8]], None]]:
    """Give a function that puts class indices (h, w) at a row and column; elsewhere is 255, no data.

    What reaches over the scene's edge is cut off. Parts may come in any order, so they go to a file without
    compression first: rewritten blocks of a compressed one would leave gaps, and other bytes each time.
    """
    profile = grid.profile() | {"count": 1, "dtype": "uint8", "nodata": IGNORE, "photometric": "palette"}
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        plain = Path(folder) / path.name
        with rasterio.open(plain, "w", **LAYOUT, sparse_ok=True, **profile) as file:
            file.write_colormap(1, palette.table(list(colors)))
            file.update_tags(**tags)

            def put(row: int, col: int, found: NDArray[np.uint8]) -> None:
                inside = found[: grid.height - row, : grid.width - col]
                file.write(inside, 1, window=Slice(col, row, inside.shape[1], inside.shape[0]))

            yield put
        shutil.copy(plain, path, **LAYOUT, compress="deflate")

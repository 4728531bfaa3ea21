"""Cloud-optimised GeoTIFF of any size, written in stripes, with overviews."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from rasterio import shutil
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as Slice

from landloom.raster import codec, palette
from landloom.raster.class_map import BLOCK, LAYOUT, Grid
from landloom.raster.labels import IGNORE
from landloom.raster.windows import Window
from landloom.runtime import phases

CACHE = 64 * 2**20
"""Bytes that GDAL may hold: by default a twentieth of the machine's memory, whatever the job asked for."""


@phases.during("write")
def write(
    path: Path, read: Callable[[Window], NDArray[Any]], grid: Grid, tags: Mapping[str, str], work: Path,
    colors: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write a raster, a stripe at a time.

    With ``colors`` it is one of class indices, and 255 is no data. All pixels of an image hold data.

    Args:
        path: the file.
        read: gives the values (C, h, w) of a window, all of one type.
        grid: where they lie.
        tags: what the file says of itself.
        work: folder for a file without compression, of which it is a copy.
        colors: of the classes.
    """
    sample = read(next(stripes(grid)))
    kind = codec.geotiff(sample) | grid.profile() | {"count": len(sample)}
    own: dict[str, Any] = {"nodata": IGNORE, "photometric": "palette"} if colors else {}
    plain = work / f".{path.name}.plain.tif"
    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=CACHE):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(plain, "w", **kind | own | LAYOUT | {"compress": "none", "predictor": 1}) as file:
            if colors:
                file.write_colormap(1, palette.table(list(colors)))
            file.update_tags(**tags)
            for at in stripes(grid):
                file.write(read(at), window=Slice(at.col, at.row, at.width, at.height))
        shutil.copy(
            plain, path, driver="COG", compress="deflate", predictor="yes", blocksize=2 * BLOCK,
            overview_resampling="nearest" if colors else "average", bigtiff="if_safer",
        )  # fmt: skip
    plain.unlink()


def stripes(grid: Grid) -> Iterator[Window]:
    """Yield windows that cover a raster from above to below."""
    for row in range(0, grid.height, BLOCK):
        yield Window(row, 0, min(BLOCK, grid.height - row), grid.width)

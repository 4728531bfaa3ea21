"""Pairs of image and mask, cut from georeferenced images where a map draws the mask."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landloom.errors import InputError
from landloom.raster import codec, map_drawing
from landloom.raster.labels import IGNORE
from landloom.raster.map_drawing import STEPS, UNKNOWN, MapDrawing
from landloom.raster.map_legend import MapLegend
from landloom.raster.opening import opened
from landloom.raster.readable import readable
from landloom.raster.reader import STRICT
from landloom.scenes.splits import assign

MOST = 254
"""Classes of a mask at most: 0 is the rest, 255 what is not known."""


@dataclass(frozen=True)
class Cutting:
    """How images are cut.

    Attributes:
        size: side of a pair in pixels.
        block: pairs along a side of a block; all of a block are in one split.
        gap: pixels between blocks.
        val: share of blocks for validation.
        test: share of blocks for the test.
        seed: which blocks go where.
    """

    size: int = 512
    block: int = 4
    gap: int = 512
    val: float = 0.15
    test: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Place:
    """One pair that can be cut.

    Attributes:
        image: file that it is cut from.
        row: upper edge in it, pixels.
        col: left edge.
        split: train, val or test.
    """

    image: Path
    row: int
    col: int
    split: str

    @property
    def name(self) -> str:
        """Unique among images of different names."""
        return f"{self.image.stem}_{self.row}_{self.col}"


def places(images: Sequence[Path], cutting: Cutting) -> list[Place]:
    """Pairs of all images, in reading order, each with the split of its block.

    Raises:
        InputError: an image cannot be read or has no place on the Earth, two have one name, or none is large
            enough.
    """
    found: list[tuple[Path, int, int, str]] = []
    names: dict[str, Path] = {}
    for path in images:
        if names.setdefault(path.stem, path) != path:
            what = f"has the name of {names[path.stem]}"
            raise InputError(path, what, "Rename one of them: pairs are named after their image")
        with readable(path), rasterio.Env(**STRICT), opened(path) as file:
            if file.crs is None or file.transform.is_identity:
                remedy = "Set both (gdal_edit.py -a_srs EPSG:... -a_ullr LEFT TOP RIGHT BOTTOM)"
                raise InputError(path, "has no coordinate system or no place", remedy)
            for (y, row), (x, col) in _grid(file, cutting):
                found.append((path, row, col, f"{path.stem}/{y}/{x}"))
    if not found:
        what = f"none of {len(images)} images holds a pair of {cutting.size} pixels"
        raise InputError("--images", what, "Lower --size, or give larger images")
    splits = assign(list(dict.fromkeys(f[3] for f in found)), cutting.val, cutting.test, cutting.seed)
    return [Place(path, row, col, splits[block]) for path, row, col, block in found]


def _grid(file: DatasetReader, cutting: Cutting) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    rows, columns = (list(_edges(side, cutting)) for side in file.shape)
    return ((r, c) for r in rows for c in columns)


def _edges(side: int, cutting: Cutting) -> Iterator[tuple[int, int]]:
    """Number of the block and upper edge of each pair along a side."""
    pitch = cutting.size * cutting.block + cutting.gap
    for block in range(-(-side // pitch)):
        for i in range(cutting.block):
            edge = block * pitch + i * cutting.size
            if edge + cutting.size <= side:
                yield block, edge


def cut(
    chosen: Sequence[Place], size: int, source: Path, layer: str | None, legend: MapLegend, out: Path
) -> Iterator[tuple[Place, Path, Path]]:
    """Write the pairs of one image that are not there yet; yield all that have data and a known map.

    Raises:
        InputError: see ``map_features.read``.
    """
    with readable(chosen[0].image), rasterio.Env(**STRICT), opened(chosen[0].image) as file:
        grid = file.transform, file.height, file.width
        crs = file.crs.to_string()
        drawing = map_drawing.prepared(source, layer, legend, crs, grid, False)[0]
        for place in chosen:
            image, mask = (out / kind / f"{place.name}.tif" for kind in ("images", "masks"))
            if (image.exists() and mask.exists()) or _written(file, place, size, drawing, image, mask):
                yield place, image, mask


def _written(
    file: DatasetReader, place: Place, size: int, drawing: MapDrawing, image: Path, mask: Path
) -> bool:
    """Write one pair, unless its image holds no data or its map is not known; whether it was written."""
    window = Window(place.col, place.row, size, size)
    transform = file.window_transform(window)
    drawn = drawing(transform, size, size)
    if drawn is None or not file.dataset_mask(window=window).any():
        return False
    save(image, file.read(window=window), file, transform, nodata=file.nodata)
    save(mask, classes(drawn)[None], file, transform, nodata=IGNORE)
    return True


def classes(drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Class (H, W) with the largest share of a map's pixels (K, H, W), from 1; 0 the rest, 255 unknown."""
    rest = STEPS - np.minimum(drawn.astype(np.int64).sum(0), STEPS)
    found = np.concatenate([rest[None], drawn]).argmax(0).astype(np.uint8)
    return np.where(drawn[0] == UNKNOWN, np.uint8(IGNORE), found)


def save(path: Path, array: NDArray[Any], file: DatasetReader, transform: Any, nodata: float | None) -> None:
    """Write (C, H, W) as a deflated GeoTIFF on a part of a file's grid: whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    shape = {"count": len(array), "height": array.shape[1], "width": array.shape[2]}
    profile = codec.geotiff(array) | shape | {"crs": file.crs, "transform": transform, "nodata": nodata}
    with rasterio.open(partial, "w", **profile) as made:
        made.write(array)
    partial.replace(path)

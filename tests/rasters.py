"""Tiny rasters and configs for tests, and the place of the real data sets."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles

ROOT = Path(__file__).parents[1]
ALL = Window(0, 0, 8, 12)
SLICE = Slice(0, 0, 12, 8)
GRID = Affine(10, 0, 350000, 0, -10, 3820000)
DRIVERS = {
    ".tif": "GTiff", ".png": "PNG", ".jpg": "JPEG", ".jp2": "JP2OpenJPEG", ".img": "HFA", ".bmp": "BMP",
    ".gif": "GIF", ".webp": "WEBP", ".dat": "ENVI",
}  # fmt: skip
"""Formats by the end of a name."""
COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")


def real(*parts: str) -> Path:
    """A real data set's folder; skips the test where it is not there."""
    folder = Path(os.environ.get("LANDLOOM_DATA", ROOT.parent / "shared" / "data")).joinpath(*parts)
    if not folder.exists():
        pytest.skip(f"{folder} is not there; set LANDLOOM_DATA to the folder of the data sets")
    return folder


def save(path: Path, array: NDArray[Any], **profile: Any) -> Path:
    """Write (H, W) or (C, H, W); GeoTIFFs get a place, scenes of one letter each their own."""
    array = array[None] if array.ndim == 2 else array
    colormap = profile.pop("colormap", None)
    if path.suffix == ".tif":
        letter = path.stem if path.parent.name in ("images", "masks") and len(path.stem) == 1 else "a"
        place = GRID @ Affine.translation(4096 * (ord(letter) - ord("a")), 0)
        profile = {"crs": "EPSG:32652", "transform": place} | profile
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = array.shape
    with rasterio.open(
        path,
        "w",
        driver=DRIVERS[path.suffix],
        count=count,
        height=height,
        width=width,
        dtype=array.dtype,
        **profile,
    ) as file:
        file.write(array)
        if colormap:
            file.write_colormap(1, colormap)
    return path


def empty(path: Path, dtype: str) -> Path:
    """Write a GeoTIFF of one band, 8 x 12 pixels, of a type that numpy may not have."""
    profile = {"crs": "EPSG:32652", "transform": GRID, "count": 1, "height": 8, "width": 12}
    with rasterio.open(path, "w", driver="GTiff", dtype=dtype, **profile):
        return path


def noise(height: int, width: int, bands: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    """An image (C, H, W) of random values."""
    return np.random.default_rng(seed).integers(1, 255, (bands, height, width)).astype(np.uint8)


def halves(height: int, width: int) -> NDArray[np.uint8]:
    """A mask (H, W): 1 in the left half, 2 in the right."""
    mask = np.ones((height, width), np.uint8)
    mask[:, width // 2 :] = 2
    return mask


def config(folder: Path = Path(), values: tuple[int | str, ...] = (1, 2), **more: Any) -> DataConfig:
    """A config for ``folder/images/{scene}.tif`` and ``folder/masks/{scene}.tif``, one class a value."""
    classes = [{"name": f"class{v}", "values": [v], "color": c} for v, c in zip(values, COLORS, strict=False)]
    sources = {"images": f"{folder}/images/{{scene}}.tif", "masks": f"{folder}/masks/{{scene}}.tif"}
    if more.keys() & {"scenes", "manifest", "images"}:
        sources = {}
    return DataConfig.model_validate(sources | {"classes": classes} | more)


def scenes(folder: Path, names: str = "abcdefgh", height: int = 32, width: int = 48) -> None:
    """Write scenes that ``config`` finds."""
    for i, name in enumerate(names):
        save(folder / "images" / f"{name}.tif", noise(height, width, seed=i))
        save(folder / "masks" / f"{name}.tif", halves(height, width))


def pair(folder: Path, image: NDArray[Any], mask: NDArray[Any], **profile: Any) -> SceneFiles:
    """Write one scene; ``profile`` is that of the image."""
    return SceneFiles("a", (save(folder / "image.tif", image, **profile),), save(folder / "mask.tif", mask))


def read(
    scene: SceneFiles, data: DataConfig, window: Window = ALL
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.uint8]]:
    """Image, valid pixels and mask of a window of a scene."""
    with SceneReader(scene, data) as reader:
        return reader.read(window)

"""Made-up scenes that compress as imagery does: a PNG has about 0.6 of their bytes.

Noise that was smoothed at four scales stands for the ground, alike in three bands, and fresh noise in each
band for the sensor. The mask has five classes with smooth borders. Scenes are mirrored mosaics of one piece.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

from landloom.config.data import DataConfig

PIECE = 2048
CLASSES = 5
PLACE = {"crs": "EPSG:32652", "transform": Affine(10, 0, 350000, 0, -10, 3820000)}
LAYOUT = {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}


def config() -> DataConfig:
    """Five classes, all scenes for training."""
    classes = [{"name": f"c{i}", "values": [i], "color": f"#00000{i}"} for i in range(1, CLASSES + 1)]
    sources = {"images": "{scene}.tif", "masks": "{scene}.tif"}
    return DataConfig.model_validate(sources | {"classes": classes, "split": {"val": 0.0, "test": 0.0}})


def piece() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Image (3, PIECE, PIECE) and mask (PIECE, PIECE) of values from 1."""
    rng = np.random.default_rng(0)

    def smooth(sigma: float) -> NDArray[np.float32]:
        return sigma * gaussian_filter(rng.normal(size=(PIECE, PIECE)).astype(np.float32), sigma, mode="wrap")

    ground = 8 * smooth(1) + 12 * smooth(4) + 14 * smooth(16) + 20 * smooth(64)
    bands = [g * ground + rng.normal(100, 5, ground.shape) for g in (1, 0.9, 0.8)]
    kinds = smooth(20)
    edges = np.quantile(kinds, np.linspace(0, 1, CLASSES + 1)[1:-1])
    image = np.clip(bands, 0, 255).astype(np.uint8)
    return image, (np.digitize(kinds, edges) + 1).astype(np.uint8)


def write(folder: Path, side: int) -> tuple[Path, Path]:
    """Write image and mask of a square scene; returns their paths."""
    image, mask = piece()
    paths = folder / f"image{side}.tif", folder / f"mask{side}.tif"
    for path, bands in zip(paths, (image, mask[None]), strict=True):
        profile = {"width": side, "height": side, "count": len(bands), "dtype": "uint8"}
        with rasterio.open(path, "w", **profile, **LAYOUT, **PLACE) as file:
            for row, col, part in _mosaic(bands, side):
                file.write(part, window=Window(col, row, PIECE, PIECE))
    return paths


def _mosaic(bands: NDArray[np.uint8], side: int) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """The piece at each place of a scene, every other one mirrored."""
    for row in range(0, side, PIECE):
        for col in range(0, side, PIECE):
            turned = bands[:, :: -1 if row // PIECE % 2 else 1, :: -1 if col // PIECE % 2 else 1]
            yield row, col, turned

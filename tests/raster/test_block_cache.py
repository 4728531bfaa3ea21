from pathlib import Path

import numpy as np
import pytest
from rasterio.env import getenv

from landloom.raster import block_cache
from landloom.raster.reader import SceneReader
from landloom.scenes.discovery import SceneFiles
from tests import rasters

TILED = {"tiled": True, "blockxsize": 32, "blockysize": 32}


def scene(folder: Path, **profile: object) -> SceneFiles:
    image = rasters.save(folder / "image.tif", rasters.noise(64, 96).astype(np.uint16), **profile)
    return SceneFiles("a", (image,), rasters.save(folder / "mask.tif", rasters.halves(64, 96), **profile))


def test_strips_are_kept_for_a_row_of_windows(tmp_path: Path) -> None:
    with SceneReader(scene(tmp_path, blockysize=8), rasters.config()) as reader:
        assert block_cache.shared(reader, 16) == 96 * (16 + 8) * (3 * 2 + 1) + 96 * (16 + 8) * (1 + 1)


def test_tiled_files_need_no_cache_of_a_row(tmp_path: Path) -> None:
    with SceneReader(scene(tmp_path, **TILED), rasters.config()) as reader:
        assert block_cache.shared(reader, 16) == 0


@pytest.mark.parametrize(("size", "expected"), [(0, 64_000_000), (65_000_000, 65_000_000)])
def test_the_cache_is_bounded(size: int, expected: int) -> None:
    with block_cache.bounded(size):
        assert getenv()["GDAL_CACHEMAX"] == expected

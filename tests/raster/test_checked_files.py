"""What the check says about single files: pages, compression, cut ends, places."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from tests import rasters
from tests.stages.test_check import problems, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rasters.scenes(tmp_path)
    return tmp_path


def test_pages_that_are_not_read_are_named(folder: Path) -> None:
    path = folder / "images/a.tif"
    rasters.save(path, rasters.noise(32, 48), APPEND_SUBDATASET="YES")
    rasters.save(path, rasters.noise(32, 48), APPEND_SUBDATASET="YES")
    (said,) = run(folder)["warnings"]
    assert said.startswith(f"1 files hold several pages, such as {path}: the first alone is read")


def test_a_lossy_mask_whose_values_are_all_listed_is_named(folder: Path) -> None:
    rasters.save(folder / "masks/a.tif", rasters.halves(32, 48), compress="jpeg", jpeg_quality=100)
    (said,) = run(folder)["warnings"]
    assert said.startswith(f"1 masks, such as {folder}/masks/a.tif, are compressed with loss")


def test_bands_in_another_order_are_named(folder: Path) -> None:
    for name, order in (("a", "blue green red"), *((n, "red green blue") for n in "bcdefgh")):
        with rasterio.open(folder / f"images/{name}.tif", "r+") as file:
            file.colorinterp = [ColorInterp[c] for c in order.split()]
    (said,) = run(folder)["warnings"]
    assert "1 scenes have their bands in another order" in said


def test_a_file_whose_last_bands_are_cut_off(folder: Path) -> None:
    path = rasters.save(folder / "images/a.tif", rasters.noise(32, 48), interleave="band")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    (found,) = problems(folder)
    assert "a.tif: cannot be read as a raster" in found


def test_a_file_of_another_format_that_is_called_tif(folder: Path) -> None:
    shape = {"count": 3, "height": 32, "width": 48, "dtype": "uint8"}
    for table, more in (("x", "NO"), ("y", "YES")):
        options = {"RASTER_TABLE": table, "APPEND_SUBDATASET": more, "TILE_FORMAT": "PNG"}
        with rasterio.open(
            folder / "a.gpkg", "w", "GPKG", crs="EPSG:32652", transform=rasters.GRID, **shape, **options
        ) as file:
            file.write(rasters.noise(32, 48))
    (folder / "a.gpkg").rename(folder / "images/a.tif")
    (found,) = problems(folder)
    assert "a.tif: cannot be read as a raster: it is none of GeoTIFF, PNG, JPEG" in found


@pytest.mark.parametrize("x", [350000, np.nan])
def test_pixels_without_a_size_or_place(folder: Path, x: float) -> None:
    flat = Affine(0, 0, 350000, 0, 0, 3820000) if x > 0 else Affine(10, 0, x, 0, -10, 3820000)
    rasters.save(folder / "masks/a.tif", np.ones((32, 48), np.uint8), transform=flat)
    (found,) = problems(folder)
    assert "a.tif, transform: its pixels have no place, width or height" in found


def test_two_dates_of_one_place_in_different_splits(folder: Path) -> None:
    for kind in ("images", "masks"):
        shutil.copy(folder / kind / "a.tif", folder / kind / "a-later.tif")
    split = {"val": ["b"], "test": ["a-later"]}
    (found,) = problems(folder, rasters.config(folder, split=split))
    assert found.startswith(
        "data.split: scenes of different splits overlap on the ground, 1 times, such as 'a"
    )
    assert "'a' (train)" in found
    assert "'a-later' (test)" in found
    report = run(folder, rasters.config(folder, split=split | {"same_ground": "warning"}))
    assert any("overlap on the ground" in w for w in report["warnings"])

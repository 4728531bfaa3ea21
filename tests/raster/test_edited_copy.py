from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.windows import Window as Slice

from landloom.raster import edited_copy
from tests import rasters

PART, WHERE = Slice(2, 1, 4, 3), np.eye(3, 4, dtype=bool)


def edited(folder: Path, value: int = 7, count: int = 3) -> tuple[Path, Path]:
    """An image and its copy with a few new pixels."""
    source, out = folder / "a.tif", folder / "out.tif"
    with (
        rasterio.open(source) as image,
        edited_copy.copy(image, out, {"LANDLOOM_SYNTHETIC": "in part"}) as file,
    ):
        values = np.full((count, 3, 4), value, file.dtypes[0])
        edited_copy.put(file, list(range(1, count + 1)), PART, values, WHERE)
    return source, out


def changed() -> np.ndarray:
    found = np.zeros((8, 12), bool)
    found[1:4, 2:6] = WHERE
    return found


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_all_but_the_new_pixels_stays(tmp_path: Path, dtype: str) -> None:
    own = {"compress": "lzw", "tiled": True, "blockxsize": 16, "blockysize": 16, "interleave": "band"}
    path = rasters.save(tmp_path / "a.tif", rasters.noise(8, 12).astype(dtype), **own)
    with rasterio.open(path, "r+") as file:
        file.update_tags(SENSOR="x")
        file.set_band_description(1, "red")
    source, out = edited(tmp_path)
    with rasterio.open(source) as a, rasterio.open(out) as b:
        assert (a.crs, a.transform, a.shape, a.dtypes) == (b.crs, b.transform, b.shape, b.dtypes)
        assert {k: b.profile[k] for k in own} == own
        assert (b.descriptions[0], b.tags()["SENSOR"], b.tags()["LANDLOOM_SYNTHETIC"]) == (
            "red",
            "x",
            "in part",
        )
        assert np.array_equal(a.read()[:, ~changed()], b.read()[:, ~changed()])
        assert (b.read()[:, changed()] == 7).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "out.tif"]


def test_a_copy_of_a_lossy_file_has_the_pixels_that_were_read(tmp_path: Path) -> None:
    values = rasters.noise(64, 64)
    rasters.save(tmp_path / "a.tif", values, compress="jpeg", photometric="ycbcr", tiled=True)
    source, out = edited(tmp_path)
    with rasterio.open(source) as a, rasterio.open(out) as b:
        moved = (a.read() != b.read()).any(0)
        assert moved.sum() <= WHERE.sum()
        assert b.profile["compress"] == "deflate"


@pytest.mark.parametrize(("nodata", "value", "written"), [(7, 7, 8), (255, 255, 254), (7, 9, 9)])
def test_no_new_pixel_stands_for_no_data(tmp_path: Path, nodata: int, value: int, written: int) -> None:
    rasters.save(tmp_path / "a.tif", rasters.noise(8, 12), nodata=nodata)
    _, out = edited(tmp_path, value)
    with rasterio.open(out) as file:
        assert (file.read()[:, changed()] == written).all()
        assert file.dataset_mask()[changed()].all()


def test_new_pixels_are_shown_by_an_alpha_band(tmp_path: Path) -> None:
    values = rasters.noise(8, 12, bands=4)
    values[3] = 0
    rasters.save(tmp_path / "a.tif", values, photometric="rgb", alpha="YES")
    _, out = edited(tmp_path)
    with rasterio.open(out) as file:
        assert file.colorinterp[3] == ColorInterp.alpha
        assert np.array_equal(file.read(4) == 255, changed())


def test_new_pixels_are_shown_by_an_internal_mask(tmp_path: Path) -> None:
    rasters.save(tmp_path / "a.tif", rasters.noise(8, 12))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.write_mask(np.zeros((8, 12), bool))
    _, out = edited(tmp_path)
    with rasterio.open(out) as file:
        assert np.array_equal(file.dataset_mask() > 0, changed())

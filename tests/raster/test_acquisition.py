from datetime import date
from pathlib import Path

import pytest
import rasterio
from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.raster import acquisition
from tests import rasters


def tagged(folder: Path, namespace: str | None = None, **tags: str) -> Path:
    path = rasters.save(folder / "a.tif", rasters.noise(8, 12))
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns=namespace, **tags)
    return path


def test_the_place_of_a_point() -> None:
    # The central meridian of zone 52 is 129 degrees east, at x = 500 km; the equator is y = 0.
    assert acquisition.place("EPSG:32652", (500_000, 0), "a") == (129.0, 0.0)
    assert acquisition.place("EPSG:4326", (127.5, 37.25), "a") == (127.5, 37.25)
    assert acquisition.place("EPSG:4326", (270, 10), "a") == (-90.0, 10.0)  # a grid from 0 to 360
    assert acquisition.place(None, (127.5, 37.25), "a") is None
    building_site = 'LOCAL_CS["site",UNIT["metre",1]]'
    assert acquisition.place(building_site, (3, 4), "a") is None


@pytest.mark.parametrize(("crs", "point"), [("EPSG:4326", (12, 95)), ("EPSG:32652", (1e9, 0))])
def test_a_point_off_the_earth_is_an_input_error(crs: str, point: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"^a\.tif, transform: x .* is no place in EPSG"):
        acquisition.place(crs, point, "a.tif")


def test_ground_sampling_distance() -> None:
    ten, degree = Affine(10, 0, 0, 0, -10, 0), Affine(1e-5, 0, 0, 0, -1e-5, 0)
    assert acquisition.gsd("EPSG:32652", ten, 37) == 10
    assert acquisition.gsd("EPSG:32652", Affine(0, 4, 0, 9, 0, 0), 37) == 6  # turned, pixels of 4 x 9
    assert acquisition.gsd("EPSG:2263", ten, 40) == pytest.approx(3.048, abs=1e-4)  # feet
    assert acquisition.gsd("EPSG:3857", ten, 60) == pytest.approx(5)
    # A degree at the equator is 110.574 km to the north and 111.320 km to the east; at 60 degrees 55.8 km.
    assert acquisition.gsd("EPSG:4326", degree, 0) == pytest.approx(1.10946, abs=1e-4)
    assert acquisition.gsd("EPSG:4326", degree, 60) == pytest.approx((1.11412 * 0.55800) ** 0.5, abs=1e-4)
    assert acquisition.gsd(None, ten, None) is None
    assert acquisition.gsd("EPSG:4326", degree, None) is None


def test_the_day_in_the_tags(tmp_path: Path) -> None:
    path = tagged(tmp_path, TIFFTAG_DATETIME="2024:12:24 10:00:00")
    with rasterio.open(path) as file:
        assert acquisition.day([file]) == date(2024, 12, 24)
    path = tagged(tmp_path, acquisitionDate="2023-09-01", TIFFTAG_DATETIME="2024:12:24 10:00:00")
    with rasterio.open(path) as file:
        assert acquisition.day([file]) == date(2023, 9, 1)
    for empty in ("0000:00:00 00:00:00", ""):
        with rasterio.open(tagged(tmp_path, TIFFTAG_DATETIME=empty)) as file:
            assert acquisition.day([file]) is None


def test_a_day_that_is_none_is_an_input_error(tmp_path: Path) -> None:
    with (
        rasterio.open(tagged(tmp_path, TIFFTAG_DATETIME="2024:13:01 10:00:00")) as file,
        pytest.raises(InputError, match=r"a\.tif, tag TIFFTAG_DATETIME: '2024:13:01 10:00:00' is no date"),
    ):
        acquisition.day([file])


@pytest.mark.parametrize(("text", "share"), [("40", 0.4), ("0", 0.0), ("999", None), ("-1", None)])
def test_cloud_in_the_tags(tmp_path: Path, text: str, share: float | None) -> None:
    with rasterio.open(tagged(tmp_path, "IMAGERY", CLOUDCOVER=text)) as file:
        assert acquisition.cloud([file]) == share


def test_cloud_that_is_no_percentage_is_an_input_error(tmp_path: Path) -> None:
    with (
        rasterio.open(tagged(tmp_path, "IMAGERY", CLOUDCOVER="140")) as file,
        pytest.raises(InputError, match=r"a\.tif, tag CLOUDCOVER: '140' is no percentage"),
    ):
        acquisition.cloud([file])

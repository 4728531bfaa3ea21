"""Images of other days, laid over the grid of a scene."""

from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.raster.reader import SceneReader
from landloom.raster.series import Frame, Series, nearest
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles
from tests import rasters
from tests.rasters import GRID

WHOLE = Window(0, 0, 32, 32)


def day(folder: Path, name: str, image: NDArray[Any], acquired: str | None, **profile: Any) -> SceneFiles:
    profile = {"transform": GRID} | profile
    file = rasters.save(folder / f"{name}.tif", image, **profile)
    return SceneFiles(name, (file,), None, acquired=acquired, place="farm")


def frames(
    scene: SceneFiles, others: list[SceneFiles], window: Window = WHOLE, most: int = 4, **data: Any
) -> list[Frame]:
    with ExitStack() as stack:
        reader = stack.enter_context(SceneReader(scene, rasters.config(**data)))
        return stack.enter_context(Series(reader, others, most)).frames(window)


@pytest.fixture
def own(tmp_path: Path) -> SceneFiles:
    return day(tmp_path, "own", rasters.noise(32, 32), "2017-08-01")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_on_the_same_grid_pixels_are_kept(own: SceneFiles, tmp_path: Path, dtype: Any) -> None:
    image = (rasters.noise(32, 32, seed=1).astype(np.float64) * (1 if dtype == np.uint8 else 113)).astype(
        dtype
    )
    scene = day(tmp_path, "typed", image[:, ::-1], "2017-08-01")
    (found,) = frames(scene, [scene, day(tmp_path, "other", image, "2015-09-26")], Window(8, 4, 16, 16))
    assert found.valid.all()
    assert found.values.dtype == dtype
    np.testing.assert_array_equal(found.values, image[:, 8:24, 4:20])
    assert found.acquired == date(2015, 9, 26)


def test_a_ramp_on_a_shifted_grid_is_read_between_its_pixels(own: SceneFiles, tmp_path: Path) -> None:
    """0.4 pixels to the east, and a row more: each value is that of the place, not of the row and column."""
    ramp = np.tile(np.arange(40, dtype=np.float32) * 10, (3, 33, 1))
    scene = day(tmp_path, "flat", np.zeros((3, 32, 32), np.float32), "2017-08-01")
    other = day(tmp_path, "ramp", ramp, "2015-01-01", transform=GRID @ Affine.translation(-4.4, 0))
    (found,) = frames(scene, [other])
    assert found.valid.all()
    expected = np.tile((np.arange(32) + 4.4) * 10, (3, 32, 1))
    np.testing.assert_allclose(found.values, expected, atol=0.5)


def test_another_projection_is_warped(tmp_path: Path, own: SceneFiles) -> None:
    """Degrees instead of metres: the bright half lies where it lay."""
    from rasterio.warp import calculate_default_transform, reproject

    half = np.zeros((3, 32, 32), np.uint8) + 10
    half[:, :, 16:] = 200
    west, south, east, north = (350000, 3820000 - 320, 350320, 3820000)
    move, width, height = calculate_default_transform(
        "EPSG:32652", "EPSG:4326", 32, 32, west, south, east, north
    )
    there = np.zeros((3, height, width), np.uint8)
    reproject(half, there, src_transform=GRID, src_crs="EPSG:32652", dst_transform=move, dst_crs="EPSG:4326")
    other = day(tmp_path, "degrees", there, "2015-01-01", crs="EPSG:4326", transform=move, nodata=0)
    (found,) = frames(own, [other])
    inner = (slice(None), slice(4, 28), slice(4, 28))
    assert (np.abs(found.values[inner].astype(int) - half[inner]) < 30).mean() > 0.95
    assert found.valid[4:28, 4:28].all()


def test_what_lies_outside_or_has_no_data_is_not_known(own: SceneFiles, tmp_path: Path) -> None:
    image = rasters.noise(32, 32, seed=2)
    image[:, :8] = 0
    moved = GRID @ Affine.translation(16, 0)
    other = day(tmp_path, "east", image, "2015-01-01", transform=moved, nodata=0)
    (found,) = frames(own, [other])
    expected = np.zeros((32, 32), bool)
    expected[8:, 16:] = True
    np.testing.assert_array_equal(found.valid, expected)
    assert not found.values[:, ~expected].any()
    np.testing.assert_array_equal(found.values[:, 8:, 16:], image[:, 8:, :16])


def test_nan_spoils_no_neighbour(own: SceneFiles, tmp_path: Path) -> None:
    image = np.ones((3, 32, 32), np.float32)
    image[0, 10, 10] = np.nan
    scene = day(tmp_path, "flat", np.zeros((3, 32, 32), np.float32), "2017-08-01")
    other = day(tmp_path, "nan", image, "2015-01-01", transform=GRID @ Affine.translation(0.3, 0.3))
    (found,) = frames(scene, [other])
    assert (found.values[:, found.valid] == 1).all()
    assert (~found.valid[1:, 1:]).sum() == 1
    assert np.isfinite(found.values).all()


def test_a_window_over_the_edge_of_its_scene_knows_nothing_there(own: SceneFiles, tmp_path: Path) -> None:
    larger = day(tmp_path, "large", rasters.noise(64, 64, seed=1), "2015-01-01")
    (found,) = frames(own, [larger], Window(16, 16, 32, 32))
    assert found.valid[:16, :16].all()
    assert found.valid.sum() == 256


def test_days_that_show_nothing_of_a_window_are_left_out(own: SceneFiles, tmp_path: Path) -> None:
    moved = GRID @ Affine.translation(16, 0)
    other = day(tmp_path, "east", rasters.noise(32, 32), "2015-01-01", transform=moved)
    assert frames(own, [other], Window(0, 0, 16, 16)) == []
    assert len(frames(own, [other], Window(0, 16, 16, 16))) == 1


def test_itself_other_places_and_unknown_days_are_no_other_days(own: SceneFiles, tmp_path: Path) -> None:
    from dataclasses import replace

    elsewhere = replace(day(tmp_path, "b", rasters.noise(32, 32), "2015-01-01"), place="lake")
    undated = day(tmp_path, "c", rasters.noise(32, 32), None)
    assert frames(own, [own, elsewhere, undated]) == []


def test_without_a_georeference_pixels_lie_over_each_other(tmp_path: Path) -> None:
    image = rasters.noise(31, 32, seed=1)
    scenes = [
        SceneFiles(n, (rasters.save(tmp_path / f"{n}.png", i),), None, None, d, None, "farm")
        for n, i, d in (("a", rasters.noise(32, 32), "2017-01-01"), ("b", image, "2018-01-01"))
    ]
    (found,) = frames(scenes[0], scenes)
    np.testing.assert_array_equal(found.values[:, :31], image)
    assert found.valid.sum() == 31 * 32


def test_files_of_one_place_all_have_a_georeference_or_none(own: SceneFiles, tmp_path: Path) -> None:
    file = rasters.save(tmp_path / "b.png", rasters.noise(32, 32))
    other = SceneFiles("b", (file,), None, acquired="2018-01-01", place="farm")
    with pytest.raises(InputError, match=r"b\.png: only one of 'b' and 'own', of one place, has a georef"):
        frames(own, [other])


def test_other_bands_are_an_input_error(own: SceneFiles, tmp_path: Path) -> None:
    four = day(tmp_path, "four", rasters.noise(32, 32, 4), "2015-01-01", photometric="minisblack")
    with pytest.raises(InputError, match=r"four\.tif: 4 bands of uint8, but 'own' of the same place"):
        frames(own, [four], bands=None)
    wide = day(tmp_path, "wide", rasters.noise(32, 32).astype(np.uint16), "2015-01-01")
    with pytest.raises(InputError, match=r"3 bands of uint16, but 'own' .* has 3 bands of uint8\. Choose"):
        frames(own, [wide])


def test_the_nearest_days_are_taken_in_their_order() -> None:
    days = [date(2010 + i, 1, 1) for i in (4, 0, 2, 6, 5)]
    assert nearest(date(2015, 2, 1), days, 2) == [4, 3]
    assert nearest(date(2013, 1, 1), days, 3) == [2, 0, 4]
    assert nearest(None, days, 2) == [4, 3]
    assert nearest(None, days, 9) == [1, 2, 0, 4, 3]


def test_naip_grids_that_differ_by_a_row() -> None:
    """Five days of one quarter quad on grids of 723 and 724 rows: all cover a tile, and look like it."""
    folder = rasters.real("multispectral", "naip-multiyear")
    scenes = [
        SceneFiles(p.stem, (p,), None, acquired=p.stem[-8:], place="farm")
        for p in sorted(folder.glob("*.tif"))
    ]
    found = frames(scenes[-1], scenes, Window(300, 300, 128, 128))
    assert [f.acquired.year for f in found] == [2009, 2012, 2015, 2017]
    assert all(f.valid.all() for f in found)
    with SceneReader(scenes[-1], rasters.config()) as reader:
        own, _ = reader.read_image_mirrored(Window(300, 300, 128, 128))
    likeness = [np.corrcoef(f.values[0].ravel(), own[0].ravel())[0, 1] for f in found]
    assert min(likeness) > 0.3

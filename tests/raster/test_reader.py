from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.labels import IGNORE
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles, discover
from tests import rasters


def test_a_window_is_the_same_part_of_image_and_mask(tmp_path: Path) -> None:
    image = rasters.noise(8, 12)
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12))
    found, valid, mask = rasters.read(scene, rasters.config(), Window(2, 4, 4, 4))
    np.testing.assert_array_equal(found, image[:, 2:6, 4:8])
    np.testing.assert_array_equal(mask[0], [0, 0, 1, 1])
    assert valid.all()


def test_bands_are_counted_over_stacked_files_and_share_a_type(tmp_path: Path) -> None:
    first = rasters.save(tmp_path / "1.tif", np.full((2, 8, 12), 7, np.uint8))
    second = rasters.save(tmp_path / "2.tif", np.full((8, 12), 0.5, np.float32))
    mask = rasters.save(tmp_path / "m.tif", rasters.halves(8, 12))
    image, _, _ = rasters.read(SceneFiles("a", (first, second), mask), rasters.config(bands=[3, 1]))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image[:, 0, 0], [0.5, 7])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jp2"])
def test_other_formats(tmp_path: Path, suffix: str) -> None:
    image = rasters.save(tmp_path / f"i{suffix}", np.full((3, 64, 64), 90, np.uint8))
    mask = rasters.save(tmp_path / "m.png", rasters.halves(64, 64))
    with SceneReader(SceneFiles("a", (image,), mask), rasters.config()) as reader:
        assert (reader.crs, reader.transform) == (None, None)
        assert abs(reader.read(Window(0, 0, 64, 64))[0].astype(int) - 90).max() <= 1


def test_nodata_of_file_and_config_and_nan_are_invalid(tmp_path: Path) -> None:
    image = np.ones((1, 8, 12), np.float32)
    image[0, 0, :3] = [-99999, -5, np.nan]
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12), nodata=-99999)
    _, by_file, _ = rasters.read(scene, rasters.config())
    _, by_config, _ = rasters.read(scene, rasters.config(nodata=-5))
    assert by_file[0, :4].tolist() == [False, True, False, True]
    assert by_config[0, :4].tolist() == [True, False, False, True]


def test_alpha_marks_missing_pixels_unless_it_is_chosen_as_data(tmp_path: Path) -> None:
    image = rasters.noise(8, 12, 4)
    image[3, 0, 0] = 0
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12))
    with rasterio.open(scene.images[0], "r+") as file:
        file.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    found, valid, _ = rasters.read(scene, rasters.config())
    assert (len(found), valid[0, :2].tolist()) == (3, [False, True])
    found, valid, _ = rasters.read(scene, rasters.config(bands=[1, 2, 3, 4]))
    assert (len(found), bool(valid.all())) == (4, True)


def test_outside_the_scene_the_image_is_mirrored_and_the_mask_ignored(tmp_path: Path) -> None:
    image = rasters.noise(8, 12)
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12))
    found, valid, mask = rasters.read(scene, rasters.config(), Window(0, 0, 16, 16))
    np.testing.assert_array_equal(found[:, :8, 12], image[:, :, 10])
    assert (mask[8:] == IGNORE).all()
    assert not valid[:, 12:].any()


def test_a_band_that_is_not_there(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    with pytest.raises(InputError, match=r"data\.bands: band 5 is asked for.*has 3.*Use 1 to 3"):
        rasters.read(scene, rasters.config(bands=[1, 5]))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_cut_off_file_is_an_error_and_never_made_up_pixels(tmp_path: Path, suffix: str) -> None:
    image = rasters.save(tmp_path / f"i{suffix}", rasters.noise(64, 64))
    content = image.read_bytes()
    image.write_bytes(content[: len(content) // 2])
    mask = rasters.save(tmp_path / "m.png", rasters.halves(64, 64))
    with pytest.raises(InputError, match=rf"i\{suffix}: cannot be read as a raster"):
        rasters.read(SceneFiles("a", (image,), mask), rasters.config(), Window(0, 0, 64, 64))


def test_korea_codes_bands_and_place() -> None:
    folder = rasters.real("s2-korea")
    codes = (10, 30, 50, 70, 100)
    classes = [{"name": f"c{v}", "values": [v], "color": "#000000"} for v in codes]
    data = DataConfig.model_validate(
        {
            "images": f"{folder}/images/{{date}}_patchN_{{i}}.tif",
            "masks": f"{folder}/labels/{{date}}_mask_{{i}}.tif",
            "classes": classes,
        }
    )
    scene = discover(data)[0]
    with SceneReader(scene, data) as reader, rasterio.open(scene.mask) as file:
        _, valid, mask = reader.read(Window(0, 0, 512, 512))
        assert (reader.crs, len(reader.bands), bool(valid.all())) == ("EPSG:32652", 3, True)
        np.testing.assert_array_equal(np.array(codes)[mask], file.read(1))

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.labels import UNKNOWN, Legend
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.samples import IGNORE
from landloom.scenes import SceneFiles, discover
from tests import rasters

ALL = Window(0, 0, 8, 12)
Read = tuple[NDArray[np.generic], NDArray[np.bool_], NDArray[np.uint8]]


def read(scene: SceneFiles, data: DataConfig, window: Window = ALL) -> Read:
    with SceneReader(scene, data) as reader:
        return reader.read(window)


def test_a_window_is_the_same_part_of_image_and_mask(tmp_path: Path) -> None:
    image = rasters.noise(8, 12)
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12))
    found, valid, mask = read(scene, rasters.config(), Window(2, 4, 4, 4))
    np.testing.assert_array_equal(found, image[:, 2:6, 4:8])
    np.testing.assert_array_equal(mask[0], [0, 0, 1, 1])
    assert valid.all()


def test_bands_are_counted_over_stacked_files_and_share_a_type(tmp_path: Path) -> None:
    first = rasters.save(tmp_path / "1.tif", np.full((2, 8, 12), 7, np.uint8))
    second = rasters.save(tmp_path / "2.tif", np.full((8, 12), 0.5, np.float32))
    mask = rasters.save(tmp_path / "m.tif", rasters.halves(8, 12))
    image, _, _ = read(SceneFiles("a", (first, second), mask), rasters.config(bands=[3, 1]))
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
    _, by_file, _ = read(scene, rasters.config())
    _, by_config, _ = read(scene, rasters.config(nodata=-5))
    assert by_file[0, :4].tolist() == [False, True, False, True]
    assert by_config[0, :4].tolist() == [True, False, False, True]


def test_a_dark_band_alone_is_data(tmp_path: Path) -> None:
    image = np.ones((3, 8, 12), np.uint8)
    image[0] = 0  # nodata in one band of three
    image[:, 0, 0] = 0
    _, valid, _ = read(rasters.pair(tmp_path, image, rasters.halves(8, 12), nodata=0), rasters.config())
    assert (int(valid.sum()), bool(valid[0, 0])) == (95, False)


def test_alpha_marks_missing_pixels_unless_it_is_chosen_as_data(tmp_path: Path) -> None:
    image = rasters.noise(8, 12, 4)
    image[3, 0, 0] = 0
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12))
    with rasterio.open(scene.images[0], "r+") as file:
        file.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    found, valid, _ = read(scene, rasters.config())
    assert (len(found), valid[0, 0], valid[0, 1]) == (3, False, True)
    found, valid, _ = read(scene, rasters.config(bands=[1, 2, 3, 4]))
    assert (len(found), valid.all()) == (4, True)


def test_outside_the_scene_the_image_is_mirrored_and_the_mask_ignored(tmp_path: Path) -> None:
    image = rasters.noise(8, 12)
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12))
    found, valid, mask = read(scene, rasters.config(), Window(0, 0, 16, 16))
    np.testing.assert_array_equal(found[:, :8, 12], image[:, :, 10])
    assert (mask[8:] == IGNORE).all()
    assert not valid[:, 12:].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.float32])
def test_index_masks_of_any_type(tmp_path: Path, dtype: type) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), (rasters.halves(8, 12) * 50).astype(dtype))
    _, _, mask = read(scene, rasters.config(values=(100, 7), ignore=[50]))
    assert (mask[0, 0], mask[0, -1]) == (IGNORE, 0)


def test_color_masks_in_rgb_and_palette_agree(tmp_path: Path) -> None:
    index = rasters.halves(8, 12)
    table = {0: (0, 0, 0, 255), 1: (255, 0, 0, 255), 2: (0, 128, 255, 255)}
    color = np.array([table[i][:3] for i in range(3)], np.uint8)[index].transpose(2, 0, 1)
    image = rasters.save(tmp_path / "i.png", rasters.noise(8, 12))
    data = rasters.config(values=("#0080ff", "#FF0000"))
    for name, array, profile in (("rgb", color, {}), ("palette", index, {"colormap": table})):
        mask = rasters.save(tmp_path / f"{name}.png", array, **profile)
        _, _, found = read(SceneFiles("a", (image,), mask), data)
        np.testing.assert_array_equal(found, np.where(index == 1, 1, 0))


def test_mask_nodata_is_ignored_unless_it_is_a_class(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.tif", rasters.noise(8, 12))
    mask = rasters.save(tmp_path / "m.tif", rasters.halves(8, 12), nodata=2)
    scene = SceneFiles("a", (image,), mask)
    assert read(scene, rasters.config(values=(1, 9)))[2][0].tolist() == [0] * 6 + [IGNORE] * 6
    assert read(scene, rasters.config(values=(1, 2)))[2][0].tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize(
    ("values", "mask", "message"),
    [
        (
            (1, 3),
            rasters.halves(8, 12),
            r"mask\.tif, mask values: not in the config: 2 \(48 pixels\).*data\.ignore",
        ),
        (("#010101", "#ffffff"), rasters.halves(8, 12), r"mask colours.*'#020202' \(48 pixels\)"),
        (
            (1, 2),
            rasters.noise(8, 12),
            r"mask\.tif, bands: 3 bands, but data\.classes lists integers.*colours",
        ),
        (("#010101", "#ffffff"), rasters.halves(8, 12).astype(np.int16), "int16.*lists colours.*8-bit"),
    ],
)
def test_masks_that_do_not_fit_the_classes(
    tmp_path: Path, values: tuple[int | str, ...], mask: NDArray[np.generic], message: str
) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), mask)
    with pytest.raises(InputError, match=message):
        read(scene, rasters.config(values=values))


@given(
    st.sets(st.integers(-300, 70000), min_size=2, max_size=4), st.lists(st.integers(-300, 70000), min_size=1)
)
def test_lookup_agrees_with_a_dictionary(values: set[int], codes: list[int]) -> None:
    legend = Legend(rasters.config(values=tuple(values)))
    expected = [dict(zip(tuple(values), range(4), strict=False)).get(c, UNKNOWN) for c in codes]
    assert legend.lookup(np.array(codes, np.int32)).tolist() == expected
    assert legend.lookup(np.array(codes, np.float64)).tolist() == expected


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (
            {"crs": "EPSG:32651"},
            r"mask\.tif, CRS: EPSG:32651, but .*image\.tif has EPSG:32652.*set data\.crs",
        ),
        (
            {"transform": rasters.GRID.translation(3, 0) * rasters.GRID},
            r"transform: its corners lie 0\.3 pixels",
        ),
    ],
)
def test_grids_that_differ_are_reported_with_a_remedy(
    tmp_path: Path, profile: dict[str, object], message: str
) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    rasters.save(scene.mask, rasters.halves(8, 12), **profile)
    with pytest.raises(InputError, match=message), SceneReader(scene, rasters.config()):
        pass


def test_sizes_that_differ_are_reported(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 11))
    with pytest.raises(InputError, match=r"mask\.tif, size: 11 x 8 pixels.*12 x 8.*Resample"):
        read(scene, rasters.config())


def test_data_crs_overrides_tags_that_differ(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    rasters.save(scene.mask, rasters.halves(8, 12), crs="EPSG:3358")
    with SceneReader(scene, rasters.config(crs="EPSG:32119")) as reader:
        assert (reader.crs, reader.transform) == ("EPSG:32119", rasters.GRID)
    with pytest.raises(InputError, match=r"data\.crs: 'EPSG:0'.*Write it like"):
        read(scene, rasters.config(crs="EPSG:0"))


def test_a_band_that_is_not_there(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    with pytest.raises(InputError, match=r"data\.bands: band 5 is asked for.*has 3.*Use 1 to 3"):
        read(scene, rasters.config(bands=[1, 5]))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_cut_off_file_is_an_error_and_never_made_up_pixels(tmp_path: Path, suffix: str) -> None:
    image = rasters.save(tmp_path / f"i{suffix}", rasters.noise(64, 64))
    content = image.read_bytes()
    image.write_bytes(content[: len(content) // 2])
    mask = rasters.save(tmp_path / "m.png", rasters.halves(64, 64))
    with pytest.raises(InputError, match=rf"i\{suffix}: cannot be read as a raster"):
        read(SceneFiles("a", (image,), mask), rasters.config(), Window(0, 0, 64, 64))


def test_dubai_color_masks_of_both_kinds() -> None:
    folder = rasters.real("dubai-seg6")
    readme = dict(building="#3C1098", land="#8429F6", road="#6EC1E4", plants="#FEDD3A", water="#E2A929")
    data = DataConfig.model_validate(
        {
            "images": f"{folder}/Tile {{tile}}/images/image_part_{{part}}.jpg",
            "masks": f"{folder}/Tile {{tile}}/masks/image_part_{{part}}.png",
            "classes": [{"name": n, "values": [c], "color": c} for n, c in readme.items()],
            "ignore": ["#9B9B9B", "#000000"],
        }
    )
    for scene in discover(data)[::9]:  # one of each tile; 2 and 4 have palettes
        _, _, mask = read(scene, data, Window(0, 0, 256, 256))
        assert (mask != IGNORE).mean() > 0.5, scene.name


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


@pytest.mark.parametrize(
    ("sample", "values"),
    [
        ("pseudo_potsdam_dataset", range(7)),
        ("pseudo_vaihingen_dataset", range(7)),
        ("pseudo_loveda_dataset", range(8)),
    ],
)
def test_isprs_and_loveda_samples(sample: str, values: range) -> None:
    folder = rasters.real("isprs-loveda-samples", sample)
    data = DataConfig.model_validate(
        {
            "images": f"{folder}/img_dir/{{s}}.png",
            "masks": f"{folder}/ann_dir/{{s}}.png",
            "classes": [{"name": f"c{v}", "values": [v], "color": "#000000"} for v in values if v],
            "ignore": [0],
        }
    )
    for scene in discover(data):
        image, _, mask = read(scene, data, Window(0, 0, 512, 512))
        assert image.shape == (3, 512, 512)
        assert (mask != IGNORE).any()


def test_harvey_georeferenced_pair_names_the_undocumented_value() -> None:
    folder = rasters.real("harvey-uav", "georef_full_res")
    data = DataConfig.model_validate(
        {
            "images": f"{folder}/{{s}}.tif",
            "masks": f"{folder}/{{s}}.png",
            "classes": [{"name": f"c{v}", "values": [v], "color": "#000000"} for v in range(1, 25)],
            "ignore": [0],
        }
    )
    messages = []
    for scene in discover(data):
        try:
            read(scene, data, Window(0, 0, 3000, 4000))
        except InputError as error:
            messages.append(str(error))
    assert any(re.search(r"26 \(\d+ pixels\).*data\.ignore", m) for m in messages)

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.labels import IGNORE, UNKNOWN, Legend
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles, discover
from tests import rasters


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.float32])
def test_index_masks_of_any_type(tmp_path: Path, dtype: type) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), (rasters.halves(8, 12) * 50).astype(dtype))
    _, _, mask = rasters.read(scene, rasters.config(values=(100, 7), ignore=[50]))
    assert (mask[0, 0], mask[0, -1]) == (IGNORE, 0)


def test_color_masks_in_rgb_and_palette_agree(tmp_path: Path) -> None:
    index = rasters.halves(8, 12)
    table = {0: (0, 0, 0, 255), 1: (255, 0, 0, 255), 2: (0, 128, 255, 255)}
    color = np.array([table[i][:3] for i in range(3)], np.uint8)[index].transpose(2, 0, 1)
    image = rasters.save(tmp_path / "i.png", rasters.noise(8, 12))
    data = rasters.config(values=("#0080ff", "#FF0000"))
    for name, array, profile in (("rgb", color, {}), ("palette", index, {"colormap": table})):
        mask = rasters.save(tmp_path / f"{name}.png", array, **profile)
        _, _, found = rasters.read(SceneFiles("a", (image,), mask), data)
        np.testing.assert_array_equal(found, np.where(index == 1, 1, 0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bands_that_say_the_same_are_one(tmp_path: Path, dtype: type) -> None:
    """Image editors save grey masks as RGB."""
    index = rasters.halves(8, 12).astype(dtype)
    image = rasters.save(tmp_path / "i.tif", rasters.noise(8, 12))
    data = rasters.config(values=(1, 2), ignore=[0])
    mask = rasters.save(tmp_path / "m.tif", np.stack([index] * 3))
    _, _, found = rasters.read(SceneFiles("a", (image,), mask), data)
    alone = rasters.save(tmp_path / "one.tif", index)
    np.testing.assert_array_equal(found, rasters.read(SceneFiles("a", (image,), alone), data)[2])
    other = rasters.save(tmp_path / "o.tif", np.stack([index, index, 2 - index]))
    with pytest.raises(InputError, match=r"3 bands that differ, but data\.classes lists integers"):
        rasters.read(SceneFiles("a", (image,), other), data)


def test_colours_near_a_listed_one_are_taken_for_it_by_hand() -> None:
    data = rasters.config(values=("#0a0a0a", "#ff0000"), tolerance=10)
    legend = Legend(data)
    # Distances to #0a0a0a: 0, 10 (one band), 10.4 (6, 6, 6 away); to #ff0000: 5.
    codes = np.array([0x0A0A0A, 0x140A0A, 0x101010, 0xFF0304, 0x7F0000], np.uint32)
    assert legend.lookup(codes).tolist() == [0, 0, UNKNOWN, 1, UNKNOWN]
    exact = Legend(rasters.config(values=("#0a0a0a", "#ff0000")))
    assert exact.lookup(codes).tolist() == [0, *[UNKNOWN] * 4]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_grey_values_near_a_listed_one_are_taken_for_it(dtype: type) -> None:
    legend = Legend(rasters.config(values=(100, 200), ignore=[0], tolerance=3))
    found = legend.lookup(np.array([[0, 3, 4], [97, 203, 150]], dtype))
    assert found.tolist() == [[IGNORE, IGNORE, UNKNOWN], [0, 1, UNKNOWN]]


def test_a_mask_saved_as_jpeg_is_read_back(tmp_path: Path) -> None:
    """Edges inside JPEG's blocks of eight pixels ring; the listed colours are far apart."""
    index = np.kron(np.array([[0, 1], [1, 0]]), np.ones((12, 12), int))
    color = np.array([(200, 30, 30), (30, 30, 200)], np.uint8)[index].transpose(2, 0, 1)
    image = rasters.save(tmp_path / "i.tif", rasters.noise(24, 24))
    mask = rasters.save(tmp_path / "m.jpg", color)
    scene, whole = SceneFiles("a", (image,), mask), Window(0, 0, 24, 24)
    values = ("#c81e1e", "#1e1ec8")
    with pytest.raises(InputError, match=r"compressed with loss.*set data\.tolerance"):
        rasters.read(scene, rasters.config(values=values), whole)
    _, _, found = rasters.read(scene, rasters.config(values=values, tolerance=119), whole)
    assert (found != index).sum() <= 2  # at a corner, where colours are subsampled


def test_a_tolerance_within_which_two_values_lie_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"tolerance 6, but values 1 and 11 are 10 apart: give less than 5"
    ):
        rasters.config(values=(1, 11), tolerance=6)
    with pytest.raises(ValidationError, match=r"values #000000 and #000300 are 3 apart: give less than 1.5"):
        rasters.config(values=("#000000", "#ffffff"), ignore=["#000300"], tolerance=2)


def test_mask_nodata_is_ignored_unless_it_is_a_class(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.tif", rasters.noise(8, 12))
    mask = rasters.save(tmp_path / "m.tif", rasters.halves(8, 12), nodata=2)
    scene = SceneFiles("a", (image,), mask)
    assert rasters.read(scene, rasters.config(values=(1, 9)))[2][0].tolist() == [0] * 6 + [IGNORE] * 6
    assert rasters.read(scene, rasters.config(values=(1, 2)))[2][0].tolist() == [0] * 6 + [1] * 6


def rgba(path: Path) -> Path:
    """A colour mask, black in its left half and red in its right; its upper half is transparent."""
    colors = np.zeros((4, 8, 12), np.uint8)
    colors[0, :, 6:], colors[3, 4:] = 255, 255
    return rasters.save(path, colors)


def test_a_listed_colour_is_a_class_where_it_is_transparent(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.png", rasters.noise(8, 12))
    scene = SceneFiles("a", (image,), rgba(tmp_path / "m.png"))
    listed = rasters.config(values=("#000000", "#ff0000"))
    assert rasters.read(scene, listed)[2][0].tolist() == [0] * 6 + [1] * 6
    unlisted = rasters.config(values=("#ffffff", "#ff0000"), ignore=["#000000"])
    assert rasters.read(scene, unlisted)[2][0].tolist() == [IGNORE] * 6 + [1] * 6
    with SceneReader(scene, listed) as reader:
        assert reader.labels.hidden(rasters.SLICE) == 48


def test_a_transparent_colour_that_is_not_listed_is_ignored(tmp_path: Path) -> None:
    colors = np.zeros((4, 8, 12), np.uint8)
    colors[0, 4:] = colors[3, 4:] = 255
    image = rasters.save(tmp_path / "i.png", rasters.noise(8, 12))
    scene = SceneFiles("a", (image,), rasters.save(tmp_path / "m.png", colors))
    found = rasters.read(scene, rasters.config(values=("#00ff00", "#ff0000")))[2]
    assert found[:, 0].tolist() == [IGNORE] * 4 + [1] * 4


def test_a_mask_band_hides_labels(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    with rasterio.open(scene.mask, "r+") as file:
        file.write_mask(np.arange(96).reshape(8, 12) >= 12)
    assert rasters.read(scene, rasters.config())[2][:, 0].tolist() == [IGNORE] + [0] * 7
    with SceneReader(scene, rasters.config()) as reader:
        assert reader.labels.hidden(rasters.SLICE) == 12


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
            r"mask\.tif, bands: 3 bands that differ, but data\.classes lists integers.*colours",
        ),
        (("#010101", "#ffffff"), rasters.halves(8, 12).astype(np.int16), "int16.*lists colours.*8-bit"),
    ],
)
def test_masks_that_do_not_fit_the_classes(
    tmp_path: Path, values: tuple[int | str, ...], mask: NDArray[np.generic], message: str
) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), mask)
    with pytest.raises(InputError, match=message):
        rasters.read(scene, rasters.config(values=values))


@given(
    st.sets(st.integers(-300, 70000), min_size=2, max_size=4), st.lists(st.integers(-300, 70000), min_size=1)
)
def test_lookup_agrees_with_a_dictionary(values: set[int], codes: list[int]) -> None:
    legend = Legend(rasters.config(values=tuple(values)))
    expected = [dict(zip(tuple(values), range(4), strict=False)).get(c, UNKNOWN) for c in codes]
    assert legend.lookup(np.array(codes, np.int32)).tolist() == expected
    assert legend.lookup(np.array(codes, np.float64)).tolist() == expected


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
        _, _, mask = rasters.read(scene, data, Window(0, 0, 256, 256))
        assert (mask != IGNORE).mean() > 0.5, scene.name


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
        image, _, mask = rasters.read(scene, data, Window(0, 0, 512, 512))
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
            rasters.read(scene, data, Window(0, 0, 3000, 4000))
        except InputError as error:
            messages.append(str(error))
    assert any(re.search(r"26 \(\d+ pixels\).*data\.ignore", m) for m in messages)

import math
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.transform import Affine

from landloom import __main__
from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.data import known_pixels, samples
from landloom.data.samples import Meta, Sample
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.scenes.discovery import SceneFiles, discover
from landloom.stages import tile
from tests import rasters


def cut(
    folder: Path,
    image: NDArray[np.generic],
    mask: NDArray[np.generic],
    config: TileConfig,
    data: DataConfig | None = None,
    split: str = "train",
) -> list[Sample]:
    scene = rasters.pair(folder, image, mask)
    return shard(folder, scene, config, data or rasters.config(), split)


def shard(folder: Path, scene: SceneFiles, config: TileConfig, data: DataConfig, split: str) -> list[Sample]:
    tile.run(config, data, [scene.name], [split], list(scene.images), [scene.mask], folder / "out.parquet")
    return list(samples.read(folder / "out.parquet"))


def test_tiles_hold_their_pixels_place_and_ratios(tmp_path: Path) -> None:
    image = rasters.noise(32, 48)
    found = cut(tmp_path, image, rasters.halves(32, 48), TileConfig(size=16), split="val")
    assert [s.id for s in found] == [f"a_{r}_{c}" for r in (0, 16) for c in (0, 16, 32)]
    last = found[-1]
    np.testing.assert_array_equal(last.image_array(), image[:, 16:, 32:])
    assert (last.row, last.col, last.split, last.source, last.scene) == (16, 32, "val", "real", "a")
    assert (last.crs, last.transform) == ("EPSG:32652", [10, 0, 350320, 0, -10, 3819840])
    assert [s.ratios for s in found[:3]] == [[1, 0], [0.5, 0.5], [0, 1]]


def test_shard_says_what_it_holds(tmp_path: Path) -> None:
    cut(tmp_path, rasters.noise(16, 16, 4).astype(np.int16), rasters.halves(16, 16), TileConfig(size=16))
    assert samples.metadata(tmp_path / "out.parquet") == {
        "classes": ["class1", "class2"],
        "dtype": "int16",
        "bands": 4,
        "scenes": {
            "a": {
                "height": 16,
                "width": 16,
                "crs": "EPSG:32652",
                "transform": [10, 0, 350000, 0, -10, 3820000],
            }
        },
    }


def test_missing_data_is_ignored_in_the_mask_and_kept_in_the_image(tmp_path: Path) -> None:
    image = np.ones((2, 16, 32), np.float32)
    image[1, 0, 0] = np.nan
    image[:, :, 16:] = np.nan
    (found,) = cut(tmp_path, image, rasters.halves(16, 32), TileConfig(size=16))
    assert (found.mask_array() == IGNORE).sum() == 1
    assert np.isnan(found.image_array()[1, 0, 0])


def test_tiles_with_too_few_labels_are_left_out(tmp_path: Path) -> None:
    mask = rasters.halves(16, 32)
    mask[:4, :16] = 9
    data = rasters.config(ignore=[9])
    found = cut(tmp_path, rasters.noise(16, 32), mask, TileConfig(size=16, min_valid=0.76), data)
    assert [s.col for s in found] == [16]


def test_a_small_scene_is_padded_when_asked(tmp_path: Path) -> None:
    (found,) = cut(tmp_path, rasters.noise(10, 40), rasters.halves(10, 40), TileConfig(size=40, pad=True))
    assert found.image_array().shape == (3, 40, 40)
    assert (found.mask_array() != IGNORE).sum() == 400
    assert found.ratios == [0.5, 0.5]


def test_an_empty_shard_is_written_with_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cut(tmp_path, rasters.noise(16, 16), rasters.halves(16, 16), TileConfig(size=32)) == []
    assert "scene 'a' has no tile" in capsys.readouterr().err
    assert samples.metadata(tmp_path / "out.parquet")["bands"] == 3


def test_blocks_put_each_tile_in_one_split(tmp_path: Path) -> None:
    data = rasters.config(split={"by": "block", "block": 32, "val": 0.25, "test": 0.25})
    found = cut(tmp_path, rasters.noise(64, 64), rasters.halves(64, 64), TileConfig(size=16), data, "block")
    assert {s: sum(t.split == s for t in found) for s in ("train", "val", "test")} == {
        "train": 8,
        "val": 4,
        "test": 4,
    }
    assert len({(t.row // 32, t.col // 32) for t in found if t.split == "test"}) == 1


def test_the_command_line_writes_the_same_bytes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(32, 32), rasters.halves(32, 32))
    for out in ("1.parquet", "2.parquet"):
        given = ["--config", '{"size": 16}', "--data", rasters.config().model_dump_json(), "--scene", "a"]
        given += ["--split", "train", "--image", str(scene.images[0]), "--mask", str(scene.mask)]
        monkeypatch.setattr(sys, "argv", ["landloom", "tile", *given, "--out", str(tmp_path / out)])
        assert __main__.main() == 0
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()
    assert (tmp_path / "1.parquet.prov.json").exists()


def test_the_bytes_do_not_depend_on_the_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(96, 112), rasters.halves(96, 112))
    made, rows = list[bytes](), list[list[Sample]]()
    for threads in ("1", "4", ""):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        shard(tmp_path, scene, TileConfig(size=16, stride=8), rasters.config(), "train")
        made.append((tmp_path / "out.parquet").read_bytes())
        rows.append(list(samples.read(tmp_path / "out.parquet")))
        assert len(rows[-1]) == 11 * 13
        for one, first in zip(rows[-1], rows[0], strict=True):  # which column of which tile, if any
            assert {k for k, v in vars(one).items() if v != vars(first)[k]} == set(), one.id
    assert made[0] == made[1] == made[2]


def test_an_error_in_a_window_ends_the_stage(tmp_path: Path) -> None:
    mask = rasters.halves(64, 64)
    mask[40, 40] = 9
    with pytest.raises(InputError, match=r"not in the config: 9 \(1 pixels\)"):
        cut(tmp_path, rasters.noise(64, 64), mask, TileConfig(size=16))


def test_values_of_labelled_train_pixels_are_counted(tmp_path: Path) -> None:
    mask = rasters.halves(64, 64)
    mask[:3] = 9
    data = rasters.config(ignore=[9], split={"by": "block", "block": 32, "val": 0.25, "test": 0.25})
    config = TileConfig(size=16, stride=8, min_valid=0.5)
    found = cut(tmp_path, rasters.noise(64, 64, 4), mask, config, data, "block")
    train = [s for s in found if s.split == "train"]
    pixels = np.concatenate([s.image_array()[:, s.mask_array() != IGNORE] for s in train], axis=1)
    expected = [np.bincount(band, minlength=256).tolist() for band in pixels]
    assert samples.totals(tmp_path / "out.parquet") == {"histogram": expected}


def test_wider_types_are_not_counted(tmp_path: Path) -> None:
    cut(tmp_path, rasters.noise(16, 16).astype(np.uint16), rasters.halves(16, 16), TileConfig(size=16))
    assert samples.totals(tmp_path / "out.parquet") == {}


def test_korea_scene_gives_four_tiles_that_lie_on_the_map(tmp_path: Path) -> None:
    folder = rasters.real("s2-korea")
    data = DataConfig.model_validate(
        {
            "images": f"{folder}/images/{{date}}_patchN_{{i}}.tif",
            "masks": f"{folder}/labels/{{date}}_mask_{{i}}.tif",
            "classes": [{"name": f"c{v}", "values": [v], "color": "#000000"} for v in (10, 30, 50, 70, 100)],
        }
    )
    found = shard(tmp_path, discover(data)[0], TileConfig(size=256), data, "train")
    assert len(found) == 4
    assert {s.crs for s in found} == {"EPSG:32652"}
    first, second = (s.transform or [] for s in found[:2])
    assert second[2] - first[2] == 2560  # 256 pixels of 10 m
    assert codec.decode(found[0].mask).max() <= 4


def test_meta_says_where_when_and_how(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(32, 32), rasters.halves(32, 32))
    given = {"acquired": ["2024-09-01"], "cloud": ["0.25"]}
    out, job = tmp_path / "out.parquet", (["a"], ["train"], list(scene.images), [scene.mask])
    tile.run(TileConfig(size=32), rasters.config(), *job, out, **given)
    (found,) = samples.read(out)
    assert found.meta is not None
    assert (found.meta.gsd, found.meta.cloud, found.meta.acquired) == (10, 0.25, date(2024, 9, 1))
    # The centre is 160 m into zone 52 from (350 000, 3 820 000): 150 km west of 129 degrees east.
    east, north = 129 - 149.84 / (111.32 * math.cos(math.radians(34.51))), 3819.84 / 110.95
    assert found.meta.lon == pytest.approx(east, abs=0.02)
    assert found.meta.lat == pytest.approx(north, abs=0.1)


def test_each_tile_has_its_own_place(tmp_path: Path) -> None:
    place = {"crs": "EPSG:4326", "transform": Affine(0.01, 0, 10, 0, -0.01, 50)}
    image = rasters.save(tmp_path / "i.tif", rasters.noise(16, 32), **place)
    mask = rasters.save(tmp_path / "m.tif", rasters.halves(16, 32), **place)
    found = shard(tmp_path, SceneFiles("a", (image,), mask), TileConfig(size=16), rasters.config(), "train")
    places = [(s.meta.lon, s.meta.lat) for s in found if s.meta]
    assert places == [pytest.approx((10.08, 49.92)), pytest.approx((10.24, 49.92))]


def test_place_and_pixel_size_that_are_told_stand_for_what_a_picture_lacks(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.png", rasters.noise(16, 16))
    mask = rasters.save(tmp_path / "m.png", rasters.halves(16, 16))
    told = {"lon": ["-3.5"], "lat": ["50"], "gsd": ["0.3"]}
    out = tmp_path / "out.parquet"
    tile.run(TileConfig(size=16), rasters.config(), ["a"], ["train"], [image], [mask], out, **told)
    (found,) = samples.read(out)
    assert found.meta == Meta(lon=-3.5, lat=50, gsd=0.3)


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.png", rasters.noise(16, 16))
    mask = rasters.save(tmp_path / "m.png", rasters.halves(16, 16))
    (found,) = shard(
        tmp_path, SceneFiles("a", (image,), mask), TileConfig(size=16), rasters.config(), "train"
    )
    assert found.meta == Meta()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"acquired": ["2024-13-01"]}, "scene 'a', acquired: '2024-13-01' is no date"),
        ({"cloud": ["40"]}, "scene 'a', cloud: '40' is no share"),
        ({"cloud": ["0.1", "0.2"]}, "--cloud: 2 for 1 scenes"),
    ],
)
def test_bad_metadata_name_scene_and_field(tmp_path: Path, given: dict[str, list[str]], message: str) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(16, 16), rasters.halves(16, 16))
    job = (["a"], ["train"], list(scene.images), [scene.mask], tmp_path / "out.parquet")
    with pytest.raises(InputError, match=message):
        tile.run(TileConfig(size=16), rasters.config(), *job, **given)


def test_a_latitude_of_95_degrees_is_an_input_error(tmp_path: Path) -> None:
    place = {"crs": "EPSG:4326", "transform": Affine(0.01, 0, 10, 0, -0.01, 95)}
    scene = rasters.pair(tmp_path, rasters.noise(16, 16), rasters.halves(16, 16), **place)
    mask = rasters.save(tmp_path / "mask.tif", rasters.halves(16, 16), **place)
    scene = SceneFiles("a", scene.images, mask)
    with pytest.raises(InputError, match=r"image\.tif, transform: x .*, y 94\.92 is no place in EPSG:4326"):
        shard(tmp_path, scene, TileConfig(size=16), rasters.config(), "train")


def without_mask(folder: Path, image: NDArray[np.generic], **config: float) -> list[Sample]:
    scene = SceneFiles("a", (rasters.save(folder / "image.tif", image),), None)
    cutting = TileConfig.model_validate({"size": 16} | config)
    tile.run(cutting, rasters.config(), ["a"], ["unlabelled"], list(scene.images), [], folder / "out.parquet")
    return list(samples.read(folder / "out.parquet"))


def test_unlabelled_tiles_have_neither_mask_nor_ratios(tmp_path: Path) -> None:
    image = rasters.noise(32, 48)
    found = without_mask(tmp_path, image, stride=8)
    assert (len(found), {s.split for s in found}) == (15, {"unlabelled"})
    assert all(s.mask is None and s.ratios == [] and s.layers == [] for s in found)
    np.testing.assert_array_equal(found[-1].image_array(), image[:, 16:, 32:])
    with pytest.raises(InputError, match="has no mask"):
        found[0].mask_array()


def test_of_an_unlabelled_tile_the_image_must_be_valid(tmp_path: Path) -> None:
    image = np.ones((2, 16, 32), np.float32)
    image[1, :, 4:16] = np.nan
    image[:, :8, 16:] = np.nan
    assert [s.col for s in without_mask(tmp_path, image, min_valid=0.5)] == [16]
    first, last = without_mask(tmp_path, image, min_valid=0.25)
    expected = np.zeros((16, 16), np.bool_)
    expected[:, :4] = True
    np.testing.assert_array_equal(known_pixels.known(first, (16, 16)), expected)
    assert known_pixels.known(last, (16, 16)).all(1).tolist() == [False] * 8 + [True] * 8


def test_labelled_and_unlabelled_scenes_share_a_shard_and_its_counts(tmp_path: Path) -> None:
    rasters.scenes(tmp_path, "abc", 16, 16)
    images = [tmp_path / f"images/{n}.tif" for n in "abc"]
    masks = [tmp_path / f"masks/{n}.tif" for n in "ac"]
    out, config = tmp_path / "out.parquet", TileConfig(size=16)
    tile.run(config, rasters.config(), list("abc"), ["train", "unlabelled", "val"], images, masks, out)
    assert [(s.id, s.split, s.mask is None) for s in samples.read(out)] == [
        ("a_0_0", "train", False), ("b_0_0", "unlabelled", True), ("c_0_0", "val", False),
    ]  # fmt: skip
    pixels = np.stack([s.image_array() for s in samples.read(out)][:2])
    expected = [np.bincount(pixels[:, band].ravel(), minlength=256).tolist() for band in range(3)]
    assert samples.totals(out)["histogram"] == expected
    with pytest.raises(InputError, match="masks only of scenes that are not unlabelled"):
        tile.run(config, rasters.config(), list("abc"), ["train"] * 3, images, masks, out)


def test_labels_of_withheld_blocks_are_not_read(tmp_path: Path) -> None:
    data = rasters.config(split={"by": "block", "block": 16, "labelled": 0.2})
    found = cut(tmp_path, rasters.noise(64, 64), rasters.halves(64, 64), TileConfig(size=16), data, "block")
    assert Counter(s.split for s in found) == {"train": 2, "unlabelled": 9, "val": 2, "test": 3}
    assert {s.split for s in found if s.mask is None} == {"unlabelled"}


def test_scenes_of_a_shard_keep_the_files_of_their_classes_apart(tmp_path: Path) -> None:
    """Through the command line, where the files of all scenes stand in one list."""
    marks: dict[str, NDArray[np.uint8]] = {}
    for i, name in enumerate(("a", "b")):
        rasters.save(tmp_path / f"{name}.tif", rasters.noise(16, 16, seed=i))
        for k, kind in enumerate(("road", "house")):
            mask = np.zeros((16, 16), np.uint8)
            mask[i + 2 * k :: 4] = 1
            rasters.save(tmp_path / f"{name}_{kind}.tif", mask)
            marks[name + kind] = mask
    classes = [{"name": n, "color": "#000000"} for n in ("land", "house", "road")]
    masks = {k: f"{tmp_path}/{{s}}_{k}.tif" for k in ("road", "house")}
    images = f"{tmp_path}/{{s}}.tif"
    given = {"images": images, "masks": masks, "rest": "land", "classes": classes}
    data = DataConfig.model_validate(given)
    scenes = discover(data)
    out = tmp_path / "t.parquet"
    tile.run(
        TileConfig(size=16), data, [s.name for s in scenes], ["train"] * 2,
        [s.images[0] for s in scenes],
        [f for s in scenes for f in s.labels], out,
    )  # fmt: skip
    for sample in samples.read([out]):
        expected = marks[sample.scene + "house"] + 2 * marks[sample.scene + "road"]
        np.testing.assert_array_equal(sample.mask_array(), expected)


def test_files_beside_a_shapefile_are_no_masks(tmp_path: Path) -> None:
    names = ["all.shp", "all.shx", "all.dbf", "all.shp", "all.shx", "all.dbf"]
    about = {k: [None, None] for k in ("acquired", "cloud", "gsd", "lon", "lat", "place")}
    scenes, splits, images = ["a", "b"], ["train", "train"], [Path("a.tif"), Path("b.tif")]
    found = tile.paired(scenes, splits, images, [tmp_path / n for n in names], 0, about)
    assert [s.mask for s in found] == [tmp_path / "all.shp"] * 2

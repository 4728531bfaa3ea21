import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom import __main__
from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.data.samples import Sample
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

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine
from torch import Tensor, nn

from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.data.statistics import ClassInfo, Statistics
from landloom.errors import InputError
from landloom.raster.labels import IGNORE
from landloom.segmentation import scores
from landloom.segmentation.blending import blended
from landloom.segmentation.judgement import Judgement
from landloom.segmentation.maps import mapped
from landloom.stages import tile
from tests import rasters, shards

ABOUT = {"generator": "g", "ratio": 0.4, "network": "n", "seed": 3}
PLACE = {"crs": "EPSG:25832", "transform": Affine(0.2, 0, 354321.1, 0, -0.2, 5662000.3)}


class Bright(nn.Module):
    """Finds the second class where the first band is bright."""

    def forward(self, images: Tensor) -> Tensor:
        return 50 * images[:, :2] * images.new_tensor([-1.0, 0.0])[:, None, None]


def dataset(size: int) -> Statistics:
    named = [ClassInfo(name=n, color=c) for n, c in (("dark", "#102030"), ("bright", "#f0e0d0"))]
    return shards.dataset(size).model_copy(update={"classes": named})


def mapping(
    folder: Path, image: NDArray[Any], mask: NDArray[Any], size: int, label: str = "test",
    data: DataConfig | None = None, suffix: str = "tif", **place: Any,
) -> tuple[Path, Judgement]:  # fmt: skip
    """The map of one scene, cut by the stage tile, and what is right on it."""
    files = [
        [rasters.save(folder / f"{n}.{suffix}", x, **place)] for n, x in (("image", image), ("mask", mask))
    ]
    out = folder / "tiles.parquet"
    tile.run(TileConfig(size=size), data or rasters.config(), ["a"], [label], *files, out)
    found = blended(Bright(), dataset(size), [out], "test")
    judged = Judgement.of(mapped(found, folder / "maps", [out], dataset(size), ABOUT), 2)
    return folder / "maps/a.tif", judged


def expected(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (image[0] > 127).astype(np.uint8)


def test_a_map_lies_where_its_scene_lies(tmp_path: Path) -> None:
    image = np.repeat(np.repeat(rasters.noise(3, 5), 20, 1), 20, 2)
    path, _ = mapping(tmp_path, image, rasters.halves(60, 100), 24, **PLACE)
    with rasterio.open(path) as got, rasterio.open(tmp_path / "image.tif") as source:
        assert source.transform == PLACE["transform"]
        assert (got.crs, got.transform, got.shape) == (source.crs, source.transform, source.shape)
        assert (got.count, got.dtypes, got.nodata) == (1, ("uint8",), IGNORE)
        assert got.profile["tiled"]
        assert got.profile["compress"] == "deflate"
        assert got.colormap(1)[0] == (0x10, 0x20, 0x30, 255)
        assert got.colormap(1)[1] == (0xF0, 0xE0, 0xD0, 255)
        tags = got.tags()
        assert {k: tags[f"LANDLOOM_{k.upper()}"] for k in ABOUT} == {k: str(v) for k, v in ABOUT.items()}
        assert (tags["CATEGORY_0"], tags["CATEGORY_1"]) == ("dark", "bright")
        np.testing.assert_array_equal(got.read(1), expected(image))


def test_scores_are_those_of_the_map_and_count_each_valid_pixel_once(tmp_path: Path) -> None:
    image, mask = rasters.noise(61, 75), rasters.halves(61, 75)
    mask[5:30, 40:70] = 9
    mask[50:] = 9  # no tile of the last row would hold enough labels for training
    path, judged = mapping(tmp_path, image, mask, 24, data=rasters.config(ignore=[9]))
    truth = np.where(mask == 9, IGNORE, mask - 1).astype(np.uint8)
    with rasterio.open(path) as file:
        matrix = scores.confusion(truth, file.read(1), 2)
    assert judged.summary()["confusion"] == matrix.tolist()
    assert matrix.sum() == (mask != 9).sum()


def test_only_held_out_blocks_are_on_the_map(tmp_path: Path) -> None:
    split = {"by": "block", "block": 32, "val": 0.25, "test": 0.25}
    image, mask = rasters.noise(80, 80), rasters.halves(80, 80)
    path, judged = mapping(tmp_path, image, mask, 24, "block", rasters.config(split=split))
    cut = [s for s in samples.read(tmp_path / "tiles.parquet") if s.split == "test"]
    area = np.zeros((80, 80), bool)
    for s in cut:
        area[s.row : s.row + 24, s.col : s.col + 24] = True
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), np.where(area, expected(image), IGNORE))
    assert np.sum(judged.confusions) == area.sum() < 80 * 80


def test_a_scene_smaller_than_a_tile_and_without_a_place_has_a_map_of_its_size(tmp_path: Path) -> None:
    image = rasters.noise(10, 40)
    path, judged = mapping(tmp_path, image, rasters.halves(10, 40), 32, suffix="png")
    assert np.sum(judged.confusions) == 400
    with rasterio.open(path) as file:
        assert file.crs is None
        np.testing.assert_array_equal(file.read(1), expected(image))


def test_a_large_map_is_the_same_bytes_whatever_the_order_of_its_parts(tmp_path: Path) -> None:
    """They go to disk as they come, with little kept in memory, and the file's blocks are not the tiles."""
    image = np.kron(rasters.noise(9, 9), np.ones((1, 100, 100), np.uint8))
    path, _ = mapping(tmp_path, image, rasters.halves(900, 900), 128)
    first, tiles = path.read_bytes(), tmp_path / "tiles.parquet"
    found = list(blended(Bright(), dataset(128), [tiles], "test"))[::-1]
    with rasterio.Env(GDAL_CACHEMAX=200_000):
        list(mapped(iter(found), tmp_path / "again", [tiles], dataset(128), ABOUT))
    assert (tmp_path / "again/a.tif").read_bytes() == first
    assert len(first) < 900 * 900 / 10


def test_a_shard_without_grids_is_an_input_error(tmp_path: Path) -> None:
    paths = shards.tiles(tmp_path)
    samples.write(tmp_path / "old", samples.read(paths[2]))
    found = blended(Bright(), dataset(32), [tmp_path / "old"], "test")
    with pytest.raises(InputError, match=r"scene 'test': does not tell its grid\. .*delete it and run again"):
        list(mapped(found, tmp_path / "maps", [tmp_path / "old"], dataset(32), ABOUT))

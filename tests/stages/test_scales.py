"""Tiles of a pyramid, as the stage ``tile`` cuts them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from landloom.config.dates import LayersOfDatesConfig
from landloom.config.tile import TileConfig
from landloom.data import dates, known_pixels, map_layer, samples
from landloom.data.samples import Sample
from landloom.raster.labels import IGNORE
from landloom.stages import tile
from tests import maps, rasters

SIZE = 16


def cut(
    folder: Path,
    image: NDArray[Any],
    mask: NDArray[Any] | None,
    scale: int | None,
    split: str = "train",
    data: Any = None,
    **config: Any,
) -> list[Sample]:
    scene = rasters.save(folder / "image.tif", image)
    labels = [] if mask is None else [rasters.save(folder / "mask.tif", mask)]
    out = folder / "out.parquet"
    section = TileConfig(**{"size": SIZE} | config)
    tile.run(section, data or rasters.config(), ["a"], [split], [scene], labels, out, scale=scale)
    return list(samples.read(out))


def test_tiles_of_a_level_lie_where_rasterio_says(tmp_path: Path) -> None:
    """Their pixels are those that GDAL's average gives for the same ground."""
    image = rasters.noise(70, 100).astype(np.uint16)
    found = cut(tmp_path, image, rasters.halves(70, 100), 2, stride=8)
    assert [s.id for s in found] == [
        f"a~x2_{r}_{c}" for r in (0, 16, 32, 38) for c in (0, 16, 32, 48, 64, 68)
    ]
    with rasterio.open(tmp_path / "image.tif") as scene:
        for s in found:
            assert s.image is not None
            with MemoryFile(s.image) as file, file.open() as stored:
                left, bottom, right, top = stored.bounds
                assert stored.transform == Affine(*s.transform or ())
                assert stored.res == (20, 20)
                assert stored.crs == scene.crs
            part = scene.window(left, bottom, right, top)
            assert (part.row_off, part.col_off, part.height, part.width) == (s.row, s.col, 32, 32)
            exact = scene.read(window=part, out_shape=(3, 16, 16), resampling=Resampling.average)
            assert np.abs(s.image_array().astype(float) - exact).max() <= 1  # GDAL rounds halves up
            assert s.image_array().dtype == np.uint16
    meta = found[0].meta
    assert meta is not None
    assert meta.gsd == 20


def test_masks_have_the_class_of_most_and_shares_are_theirs(tmp_path: Path) -> None:
    mask = np.ones((32, 32), np.uint8)
    mask[::2, 16:] = 2  # half of each block: the lower class
    mask[:, 28:] = 2
    mask[:24, :4] = 9
    (found,) = cut(tmp_path, rasters.noise(32, 32), mask, 2, data=rasters.config(ignore=[9]), min_valid=0.5)
    expected = np.zeros((16, 16), np.uint8)
    expected[:, 14:], expected[:12, :2] = 1, IGNORE
    np.testing.assert_array_equal(found.mask_array(), expected)
    assert found.ratios == pytest.approx([200 / 232, 32 / 232])


def test_one_level_more_leaves_the_first_as_it_was(tmp_path: Path) -> None:
    image, mask = rasters.noise(32, 48), rasters.halves(32, 48)
    plain = cut(tmp_path, image, mask, None)
    before = (tmp_path / "out.parquet").read_bytes()
    assert cut(tmp_path, image, mask, 1) == plain
    assert (tmp_path / "out.parquet").read_bytes() == before
    assert samples.metadata(tmp_path / "out.parquet").get("scale") is None
    cut(tmp_path, image, mask, 2)
    assert samples.metadata(tmp_path / "out.parquet")["scale"] == 2


def test_without_metres_pixels_of_the_scene_are_told(tmp_path: Path) -> None:
    image, mask = (
        rasters.save(tmp_path / f"{n}.png", p)
        for n, p in (("i", rasters.noise(64, 64)), ("m", rasters.halves(64, 64)))
    )

    def told(scale: int | None, **more: Any) -> set[float | None]:
        out = tmp_path / "out.parquet"
        given = TileConfig(size=SIZE), rasters.config(), ["a"], ["train"], [image], [mask], out
        tile.run(*given, scale=scale, **more)
        return {s.meta.gsd for s in samples.read(out) if s.meta}

    assert [told(s) for s in (None, 1, 2, 4)] == [{None}, {1}, {2}, {4}]
    assert told(4, gsd=["0.3"]) == {1.2}


def test_each_level_drops_its_own_tiles(tmp_path: Path) -> None:
    """A quarter without labels: of 16 tiles four are left out, and the one that shows all is kept."""
    mask = rasters.halves(64, 64)
    mask[:, :16] = 9
    data, image = rasters.config(ignore=[9]), rasters.noise(64, 64)
    assert len(cut(tmp_path, image, mask, 1, data=data, min_valid=0.7)) == 12
    assert [s.col for s in cut(tmp_path, image, mask, 2, data=data, min_valid=0.7)] == [32, 32]
    assert len(cut(tmp_path, image, mask, 4, data=data, min_valid=0.7)) == 1


def test_a_scene_too_small_for_a_level_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cut(tmp_path, rasters.noise(32, 30), rasters.halves(32, 30), 2) == []
    assert "scene 'a' has no tile" in capsys.readouterr().err
    (found,) = cut(tmp_path, rasters.noise(32, 30), rasters.halves(32, 30), 2, pad=True)
    assert (found.mask_array() == IGNORE).sum(1).tolist() == [1] * 16


def test_unlabelled_tiles_know_their_pixels(tmp_path: Path) -> None:
    image = np.ones((2, 32, 32), np.float32)
    image[:, :, :5] = np.nan
    (found,) = cut(tmp_path, image, None, 2, "unlabelled", min_valid=0.5)
    known = known_pixels.known(found, (16, 16))
    assert known[0].tolist() == [False, False, True] + [True] * 13  # the third block holds half
    assert np.isnan(found.image_array()[0, 0]).tolist() == [True, True] + [False] * 14


def test_a_coarse_test_tile_lies_over_no_fine_train_tile(tmp_path: Path) -> None:
    split = {"by": "block", "block": 48, "val": 0.2, "test": 0.3}
    data, image, mask = rasters.config(split=split), rasters.noise(192, 192), rasters.halves(192, 192)
    learned, held_out = np.zeros((192, 192), bool), np.zeros((192, 192), bool)
    counts = []
    for scale in (1, 2, 3, 4):
        found = cut(tmp_path, image, mask, scale, "block", data, stride=8)
        counts.append(len(found))
        for s in found:
            covers = learned if s.split == "train" else held_out
            covers[s.row : s.row + SIZE * scale, s.col : s.col + SIZE * scale] = True
    assert not (learned & held_out).any()
    assert all(counts[:3])
    assert counts[3] == 0  # a block of 48 pixels holds no tile of 64


def test_objects_are_scaled_with_their_tile(tmp_path: Path) -> None:
    image, mask = rasters.noise(64, 64), rasters.halves(64, 64)
    listing = {"images": [{"id": 1, "file_name": "image.tif", "width": 64, "height": 64}]}
    listing |= {"categories": [{"id": 1, "name": "ship"}]}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [36, 8, 12, 20], "area": 240, "iscrowd": 0}
    (tmp_path / "o.json").write_text(json.dumps(listing | {"annotations": [box]}))
    objects = {"path": "o.json", "format": "coco", "classes": ["ship"]}
    scene = [rasters.save(tmp_path / "image.tif", image)]
    labels = [rasters.save(tmp_path / "mask.tif", mask)]
    out, data = tmp_path / "out.parquet", rasters.config(objects=objects)
    given = TileConfig(size=SIZE), data, ["a"], ["train"], scene, labels, out
    tile.run(*given, objects=[tmp_path / "o.json"], scale=2)
    found = {s.id: s.objects for s in samples.read(out)}
    (ship,) = found["a~x2_0_32"] or []
    assert ship.quad().min(0).tolist() == [2, 4]
    assert ship.quad().max(0).tolist() == [8, 14]
    assert found["a~x2_0_0"] == []


def test_other_days_are_those_of_the_coarse_ground(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    days = [np.uint8(rng.integers(1, 255, (3, 32, 32))) for _ in range(2)]
    days[1][:, :6] = 0
    files = [rasters.save(tmp_path / f"{i}.tif", d, nodata=0) for i, d in enumerate(days)]
    mask, out = rasters.save(tmp_path / "mask.tif", rasters.halves(32, 32)), tmp_path / "out.parquet"
    tile.run(
        TileConfig(size=SIZE, dates=LayersOfDatesConfig()), rasters.config(), ["0"], ["train"], files[:1],
        [mask], out, acquired=["2020-01-01"], place=["p"], reference=files, reference_scene=["0", "1"],
        reference_place=["p", "p"], reference_acquired=["2020-01-01", "2021-01-01"], scale=2,
    )  # fmt: skip
    (sample,) = samples.read(out)
    (frame,) = dates.frames(sample)
    assert frame.valid.all(1).tolist() == [False] * 3 + [True] * 13
    assert not frame.values[:, :3].any()
    exact = days[1][:, 6:].reshape(3, 13, 2, 16, 2).mean((2, 4))
    np.testing.assert_array_equal(frame.values[:, 3:], np.rint(exact))


@pytest.mark.parametrize(("scale", "pixels"), [(1, 4), (2, 2)])
def test_maps_are_drawn_on_the_grid_of_the_level(tmp_path: Path, scale: int, pixels: float) -> None:
    """A road 40 m wide is four pixels of 10 m, and two of 20 m; a path fills a quarter of any."""
    lines = [maps.line((c, -9), (c, 80)) for c in (8, 13.45)]
    road = maps.save(tmp_path / "a.gpkg", lines, highway=["primary", "path"])
    legend = maps.legend(tmp_path, "key,value,class,width_m\nhighway,primary,road,40\nhighway,path,path,1\n")
    drawn = {"source": f"{tmp_path}/{{scene}}.gpkg", "legend": str(legend)}
    image = rasters.save(tmp_path / "image.tif", rasters.noise(64, 64))
    mask, out = rasters.save(tmp_path / "mask.tif", rasters.halves(64, 64)), tmp_path / "out.parquet"
    given = TileConfig(size=SIZE), rasters.config(map=drawn), ["a"], ["train"], [image], [mask], out
    tile.run(*given, maps=[road], legend=legend, scale=scale)
    found = map_layer.of(next(samples.read(out)))
    assert found is not None
    assert (found / 254).sum(2).tolist() == [
        pytest.approx([pixels] * SIZE, abs=0.1), pytest.approx([0.25] * SIZE, abs=0.01),
    ]  # fmt: skip

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from landloom.config.caption import Words
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec
from tests import bases, rasters

SIDE = bases.SIDE


def labels(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Blocks of 16 pixels of the classes."""
    blocks = np.random.default_rng(seed).integers(0, 3, (-(-height // 16), -(-width // 16)))
    return np.kron(blocks, np.ones((16, 16))).astype(np.uint8)[:height, :width]


@pytest.fixture
def job(tiny: dict[str, Any], base: Path, controlnet: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "statistics": tiny["statistics"], "base": base, "controlnet": controlnet, "name": "east", "seed": 3,
        "words": Words(), "state": tmp_path / "state", "images": '{"steps": 3, "batch": 4}',
    }  # fmt: skip


def scene(
    folder: Path, job: dict[str, Any], mask: NDArray[np.uint8], name: str = "out", scene: str = "",
    config: str = "", **more: Any,
) -> Path:  # fmt: skip
    """The image of a mask."""
    given, out = rasters.save(folder / f"{name}-given.tif", mask), folder / f"{name}.image.tif"
    text = f'{{"scenes": {{"east": {{"mask": "m", "seed": 7{scene}}}}}{config}}}'
    places = {"out": out, "labels": folder / f"{name}.mask.tif"}
    bases.execute("scene_sample", **job | more | places | {"mask": given, "config": text})
    return out


def read(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as file:
        return file.read()


@pytest.mark.parametrize("steps", [1, 3])
def test_a_scene_of_one_window_is_a_tile_byte_for_byte(
    job: dict[str, Any], steps: int, tmp_path: Path
) -> None:
    mask, images = labels(SIDE, SIDE), f'{{"steps": {steps}, "batch": 4, "guidance": 2}}'
    found = read(scene(tmp_path, job, mask, scene=', "caption": "satellite image"', images=images))
    shard, out = tmp_path / "masks.parquet", tmp_path / "pairs.parquet"
    samples.write(shard, [Sample(id="m", mask=codec.encode(mask), caption="satellite image", seed=7)])
    own = {k: job[k] for k in ("statistics", "base", "controlnet")}
    bases.execute(
        "image_sample", **own, config=images, masks=shard, out=out, resamples=tmp_path / "r.parquet"
    )
    np.testing.assert_array_equal(found, next(iter(samples.read(out))).image_array())


def test_a_scene_is_a_cog_on_the_map_that_says_what_it_is(job: dict[str, Any], tmp_path: Path) -> None:
    """Also of a size that is no multiple of anything."""
    mask = labels(73, 601)
    mask[:3] = 255
    out = scene(tmp_path, job, mask, images='{"steps": 1, "batch": 16}')
    with rasterio.open(out) as file, rasterio.open(tmp_path / "out.mask.tif") as beside:
        for one in (file, beside):
            assert (one.height, one.width) == (73, 601)
            assert (one.crs, one.transform) == ("EPSG:32652", rasters.GRID)
            assert one.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert set(one.block_shapes) == {(512, 512)}
            assert one.overviews(1) == [2]
            assert one.tags()["synthetic"] == "true"
            assert one.tags()["LANDLOOM_SEED"] == "7"
            assert len(one.tags()["LANDLOOM_MODEL"]) == 64
        assert file.dtypes == ("uint16",) * bases.BANDS
        assert (file.nodata, beside.nodata) == (None, 255)
        assert file.read().std() > 0
        np.testing.assert_array_equal(beside.read(1), mask)
        assert beside.tags()["CATEGORY_1"] == "water"
    record = bases.record(out)
    assert record["stage"] == "scene_sample"
    left = [p.name for p in (tmp_path / "state").rglob("*") if p.is_file()]
    assert left == []


def test_a_coarser_scene_is_that_of_the_coarser_mask(job: dict[str, Any], tmp_path: Path) -> None:
    """Byte for byte, with pixels that span as much more."""
    coarse = labels(48, 64)
    same = read(scene(tmp_path, job, coarse))
    out = scene(tmp_path, job, coarse.repeat(2, 0).repeat(2, 1), "scaled", ', "scale": 2')
    np.testing.assert_array_equal(read(out), same)
    np.testing.assert_array_equal(read(tmp_path / "scaled.mask.tif")[0], coarse)
    with rasterio.open(out) as file:
        assert file.transform == rasters.GRID @ rasters.Affine.scale(2)


def test_a_scene_smaller_than_a_window(job: dict[str, Any], tmp_path: Path) -> None:
    assert read(scene(tmp_path, job, labels(9, 21))).shape == (bases.BANDS, 9, 21)


@pytest.mark.parametrize("averagings", ['"all"', "1"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_scene_that_was_stopped_goes_on_to_the_same_bytes(
    job: dict[str, Any], number: signal.Signals, averagings: str, tmp_path: Path
) -> None:
    mask, config = labels(96, 64), f', "averagings": {averagings}'
    given, out = rasters.save(tmp_path / "cut-given.tif", mask), tmp_path / "cut.image.tif"
    text = f'{{"scenes": {{"east": {{"mask": "m", "seed": 7}}}}{config}}}'
    places = {"mask": given, "out": out, "labels": tmp_path / "cut.mask.tif", "config": text}
    cut = job | places | {"run": bases.EVERY_STEP}
    code = bases.interrupted("scene_sample", number, "checkpoint.json", **cut)
    assert code == (75 if number == signal.SIGTERM else -9)
    assert not out.exists()
    (note,) = (tmp_path / "state").rglob("checkpoint.json")
    assert json.loads(note.read_text()) != [0, 0]
    bases.execute("scene_sample", **cut)
    whole = scene(tmp_path, job | {"state": tmp_path / "other"}, mask, config=config)
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(("steps", "averagings"), [(1, 1), (3, 2)])
def test_shards_joined_have_the_bytes_of_one_job(
    job: dict[str, Any], steps: int, averagings: int, tmp_path: Path
) -> None:
    """Each is a georeferenced image of its own rows until then."""
    mask = labels(1100, 48)
    given = rasters.save(tmp_path / "given.tif", mask)
    images = f'{{"steps": {steps}, "batch": 4}}'
    text = '{{"scenes": {{"east": {{"mask": "m", "seed": 7, "shards": {}}}}}, "averagings": {}}}'
    found = {}
    for name, shards in (("whole", 1), ("joined", 3)):
        own = job | {"mask": given, "images": images, "config": text.format(shards, averagings)}
        parts = []
        for part in range(shards if shards > 1 else 0):
            parts.append(tmp_path / f"{part}.image.tif")
            places = {"out": parts[-1], "labels": tmp_path / f"{part}.mask.tif"}
            bases.execute("scene_sample", **own | places | {"part": part})
        places = {"out": tmp_path / f"{name}.tif", "labels": tmp_path / f"{name}.mask.tif"}
        if parts:
            own = {k: v for k, v in own.items() if k not in ("base", "controlnet")} | {"parts": parts}
        bases.execute("scene_sample", **own | places)
        found[name] = [p.read_bytes() for p in places.values()]
    assert found["whole"] == found["joined"]
    with rasterio.open(tmp_path / "1.image.tif") as file, rasterio.open(tmp_path / "whole.tif") as whole:
        assert file.shape == (367, 48)
        assert file.transform == whole.transform @ rasterio.Affine.translation(0, 366)


def test_shards_that_are_made_many_times_are_refused(job: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"each of its 8 shards is 32 rows, and 4.0 times as many are made"):
        scene(tmp_path, job, labels(256, 32), scene=', "shards": 8', config=', "averagings": 1', part=3)
    with pytest.raises(InputError, match="has 9 rows, and shall be made in 12 shards"):
        scene(tmp_path, job, labels(9, 32), scene=', "shards": 12', config=', "averagings": 1', part=3)


def test_a_scene_starts_from_its_own_image(job: dict[str, Any], tmp_path: Path) -> None:
    """One of a window like a tile that brings its image; with less noise more of it is left."""
    own = '{{"steps": 10, "batch": 4, "collage": {{"source": "own", "strength": {}}}}}'
    mask = labels(SIDE, SIDE)
    values = np.moveaxis(bases.VALUES[mask], -1, 0).astype(np.uint16)
    shard, out = tmp_path / "masks.parquet", tmp_path / "pairs.parquet"
    rows = [Sample(id="m", mask=codec.encode(mask), image=codec.encode(values), caption="x", seed=7)]
    samples.write(shard, rows)
    models = {k: job[k] for k in ("statistics", "base", "controlnet")}
    places = {"masks": shard, "out": out, "resamples": tmp_path / "r.parquet"}
    bases.execute("image_sample", **models, **places, config=own.format(0.5))
    image = rasters.save(tmp_path / "image.tif", values)
    found = read(scene(tmp_path, job, mask, scene=', "caption": "x"', images=own.format(0.5), image=image))
    np.testing.assert_array_equal(found, next(iter(samples.read(out))).image_array())
    wide, apart = np.tile(values, (1, 1, 2)), []
    image = rasters.save(tmp_path / "wide.tif", wide)
    for strength in (0.1, 0.9):
        images = own.format(strength)
        found = read(scene(tmp_path, job, np.tile(mask, (1, 2)), f"s{strength}", images=images, image=image))
        apart.append(np.abs(found.astype(float) - wide).mean())
    assert apart[0] < apart[1]


def test_hints_are_cut_by_window(job: dict[str, Any], told: Path, tmp_path: Path) -> None:
    """A generator that learned coarse images and metadata takes them of each window."""
    mask = labels(32, 64)
    bright = np.full((bases.BANDS, 32, 64), 200, np.uint16)
    bright[:, :, 48:] = 3900
    own, images = job | {"controlnet": told}, []
    for i, values in enumerate((bright, bright[:, :, ::-1])):
        image = rasters.save(tmp_path / f"image{i}.tif", values)
        images.append(read(scene(tmp_path, own, mask, f"h{i}", image=image)).astype(float))
    assert np.abs(images[0] - images[1])[:, :, 48:].mean() > 1
    assert np.abs(images[0] - images[1])[:, :, :16].mean() > 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 32, 40), np.uint16), r"image.tif, size: 40 x 32 pixels, but .* has 48 x 32"),
        (np.zeros((3, 32, 48), np.uint16), "3 bands of uint16, the dataset has 4 of uint16"),
        (np.zeros((4, 32, 48), np.uint8), "4 bands of uint8, the dataset has 4 of uint16"),
    ],
)
def test_an_image_that_does_not_fit_is_an_error(
    job: dict[str, Any], image: NDArray[Any], message: str, tmp_path: Path
) -> None:
    given = rasters.save(tmp_path / "image.tif", image)
    with pytest.raises(InputError, match=message):
        scene(tmp_path, job, labels(32, 48), image=given)


def test_a_mask_with_an_unknown_class_is_an_error_before_sampling(
    job: dict[str, Any], tmp_path: Path
) -> None:
    mask = labels(32, 48)
    mask[20, 40] = 3
    with pytest.raises(InputError, match="holds 3, but there are 3 classes, counted from 0"):
        scene(tmp_path, job, mask)


def test_a_start_without_an_image_is_an_error(job: dict[str, Any], tmp_path: Path) -> None:
    own = '{"steps": 10, "collage": {"source": "own", "strength": 0.5}}'
    with pytest.raises(InputError, match=r"is 0.5, but scene 'east' has no image to start from"):
        scene(tmp_path, job, labels(32, 48), images=own)


def test_a_disk_that_is_too_small_is_an_error_before_sampling(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=300_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    # Latents of 32 x 128 cells, four channels, four arrays, twice: 0.52 MB; pixels 0.13 MB, 3.5 times.
    with pytest.raises(InputError, match=r"0.00 GB are free, and the scene needs 0.00. Make room"):
        scene(tmp_path, job, labels(64, 256))

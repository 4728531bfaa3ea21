"""Each format, read back with the tools of its users."""

import json
import re
from pathlib import Path
from typing import Any

import datasets  # type: ignore[import-untyped]
import numpy as np
import pystac
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask  # type: ignore[import-untyped]
from pycocotools.coco import COCO  # type: ignore[import-untyped]
from rasterio.crs import CRS

from landloom.config.export import ExportConfig
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.exporting import coco, collection, stac
from landloom.exporting.collection import Collection
from landloom.exporting.geotiff import GeoTiff
from landloom.raster import codec
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles
from landloom.stages import export
from tests import exports, rasters


def make(tmp_path: Path, bands: int = 3, **config: Any) -> Path:
    exports.statistics(bands).save(tmp_path / "statistics.json")
    shard = exports.curated(tmp_path / "curated.parquet", bands)
    out = tmp_path / "out"
    export.run(ExportConfig(**config), "tiny", tmp_path / "statistics.json", [shard], out)
    return out


def decode(segmentation: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A region from its run lengths, by COCO's own tools."""
    packed = coco_mask.frPyObjects(segmentation, *segmentation["size"])
    return coco_mask.decode(packed).astype(bool)


@pytest.mark.parametrize("bands", [3, 5])
def test_geotiff_holds_every_band_and_its_place(tmp_path: Path, bands: int) -> None:
    out = make(tmp_path, bands)
    for sample in collection.accepted([tmp_path / "curated.parquet"]):
        with rasterio.open(out / f"geotiff/images/{sample.id}.tif") as file:
            assert np.array_equal(file.read(), sample.image_array())
            assert file.dtypes[0] == ("uint8" if bands == 3 else "float32")
            assert file.tags()["LANDLOOM_SYNTHETIC"] == "yes"
            assert file.tags()["TIFFTAG_IMAGEDESCRIPTION"] == "synthetic: not an observation"
            assert file.compression.name == "deflate"
            if sample.crs:
                assert file.crs.to_epsg() == 32652
                assert list(file.transform)[:6] == exports.TRANSFORM
            else:
                assert file.crs is None


@pytest.mark.parametrize("bands", range(1, 7))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_exported_image_is_read_back_whole(tmp_path: Path, bands: int, dtype: type) -> None:
    image = rasters.noise(16, 16, bands).astype(dtype)
    image[-1, :4] = 0  # water in the near infrared
    given = exports.statistics().model_copy(update={"bands": bands, "dtype": np.dtype(dtype).name})
    place = Collection("tiny", "g", given, "other", tmp_path)
    GeoTiff(place).add(Sample(id="x", image=codec.encode(image), mask=codec.encode(rasters.halves(16, 16))))
    files = (tmp_path / "geotiff/images/x.tif",)
    mask = tmp_path / "geotiff/masks/x.tif"
    found, valid, _ = rasters.read(SceneFiles("x", files, mask), rasters.config(), Window(0, 0, 16, 16))
    np.testing.assert_array_equal(found, image)
    assert valid.all()


def test_mask_has_names_colours_and_no_data(tmp_path: Path) -> None:
    out = make(tmp_path)
    with rasterio.open(out / "geotiff/masks/landloom-0.tif") as file:
        assert np.array_equal(file.read(1), exports.mask(10))
        assert file.nodata == 255
        assert file.colormap(1)[1] == (0xD6, 0x27, 0x28, 255)
        assert file.tags()["CATEGORY_1"] == "built up"
        assert file.crs.to_epsg() == 32652


def test_pixels_of_little_trust_are_left_out_of_a_second_mask(tmp_path: Path) -> None:
    trust = np.full((exports.SIDE, exports.SIDE), 128, np.uint8)  # half trusted
    trust[:4] = 127
    exports.statistics().save(tmp_path / "statistics.json")
    row = exports.sample("x", 10, placed=True, trust=codec.encode(trust))
    samples.write(tmp_path / "c.parquet", [row], {"generator": "g"})
    places = ("tiny", tmp_path / "statistics.json", [tmp_path / "c.parquet"])
    export.run(ExportConfig(formats=["geotiff"]), *places, tmp_path / "out", min_trust=0.5)
    with rasterio.open(tmp_path / "out/geotiff/trusted/x.tif") as file:
        found = file.read(1)
        assert (file.nodata, file.crs.to_epsg()) == (255, 32652)
    assert (found[:4] == 255).all()
    assert np.array_equal(found[4:], exports.mask(10)[4:])
    export.run(ExportConfig(formats=["geotiff"]), *places, tmp_path / "all")
    assert not (tmp_path / "all/geotiff/trusted").exists()


@pytest.mark.parametrize("bands", [3, 5])
def test_imagefolder_loads_with_datasets(tmp_path: Path, bands: int) -> None:
    out = make(tmp_path, bands)
    found = datasets.load_dataset(
        "imagefolder", data_dir=str(out / "imagefolder"), cache_dir=str(tmp_path / "cache")
    )
    assert list(found) == ["train"]
    rows = list(found["train"])
    assert [r["seed"] for r in rows] == [100, 101, 102]
    assert rows[0]["text"] == "a picture, number 10"
    path = out / "imagefolder/train" / rows[0]["mask"]
    assert rows[0]["image"].size == (16, 16)
    assert rows[0]["image"].mode == "RGB"
    assert np.array_equal(np.asarray(Image.open(path)), exports.mask(10))
    classes = json.loads((out / "imagefolder/classes.json").read_text())
    assert classes[0] == {"id": 0, "name": "water", "color": "#1f77b4"}


def test_coco_regions_give_back_the_mask(tmp_path: Path) -> None:
    found = COCO(make(tmp_path) / "coco/annotations.json")
    assert found.getCatIds() == [0, 1, 2]
    for number, image in enumerate(found.loadImgs(found.getImgIds())):
        rebuilt = np.full((16, 16), 255, np.uint8)
        for note in found.loadAnns(found.getAnnIds(imgIds=image["id"])):
            region = found.annToMask(note).astype(bool)
            rebuilt[region] = note["category_id"]
            x, y, w, h = note["bbox"]
            assert region[y : y + h, x : x + w].sum() == note["area"] == region.sum()
        assert np.array_equal(rebuilt, exports.mask(10 + number))
        assert (tmp_path / "out/imagefolder/train" / image["file_name"]).exists()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_run_lengths_round_trip(height: int, width: int, seed: int) -> None:
    region = np.random.default_rng(seed).random((height, width)) < 0.5
    counts = coco.run_lengths(region)
    assert all(n > 0 for n in counts[1:])
    assert np.array_equal(decode({"size": [height, width], "counts": counts}), region)


def test_run_lengths_go_down_the_columns() -> None:
    region = np.array([[1, 0], [1, 0], [0, 1]], bool)
    assert coco.run_lengths(region) == [0, 2, 3, 1]


def test_stac_places_what_has_a_place(tmp_path: Path) -> None:
    catalog = pystac.Catalog.from_file(str(make(tmp_path) / "stac/catalog.json"))
    placed, lost, _ = catalog.get_items()
    west, south, east, north = placed.bbox
    assert 127 < west < east < 128
    assert 34 < south < north < 35
    assert placed.ext.proj.code == "EPSG:32652"
    assert placed.ext.proj.shape == [16, 16]
    assert (lost.geometry, lost.bbox) == (None, None)
    classes = placed.assets["mask"].ext.classification.classes
    assert classes[1].to_dict() | {"nodata": False} == {
        "value": 1, "name": "built_up", "title": "built up", "color_hint": "D62728", "nodata": False
    }  # fmt: skip
    for asset in placed.assets.values():
        assert Path(asset.get_absolute_href()).is_file()
    assert placed.get_root().id == catalog.id


def test_a_projection_without_a_code_is_spelt_in_wkt2() -> None:
    custom = CRS.from_proj4("+proj=lcc +lat_1=45 +lat_2=47 +lat_0=46 +lon_0=7 +datum=WGS84").to_string()
    for crs, start in ((custom, "PROJCRS["), ("EPSG:32632+5773", "COMPOUNDCRS[")):
        fields = stac.projection(exports.sample("x", 1, placed=True, crs=crs), [16, 16])
        assert fields["proj:code"] is None
        assert fields["proj:wkt2"].startswith(start)


def test_a_class_name_cannot_break_the_table_of_a_card(tmp_path: Path) -> None:
    statistics = exports.statistics()
    statistics.classes[0].name = "water | ice"
    statistics.save(tmp_path / "statistics.json")
    shard = exports.curated(tmp_path / "curated.parquet")
    export.run(
        ExportConfig(formats=["coco"]), "tiny", tmp_path / "statistics.json", [shard], tmp_path / "out"
    )
    text = (tmp_path / "out/README.md").read_text()
    (row,) = (line for line in text.splitlines() if "water \\| ice" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 7


def test_classes_have_names_of_their_own_in_stac() -> None:
    names = ["a/b", "a b", "A_B", "water", "森林", "沙漠"]
    found = stac.described([{"id": i, "name": n, "color": "#000000"} for i, n in enumerate(names)])
    short = [c["name"] for c in found]
    assert short == ["a_b_0", "a_b_1", "A_B_2", "water", "class_4", "class_5"]
    assert [c["title"] for c in found] == names


def test_shards_of_two_generators_are_refused(tmp_path: Path) -> None:
    shards = [exports.curated(tmp_path / f"{g}.parquet", generator=g) for g in ("one", "two")]
    with pytest.raises(InputError, match="one, two"):
        collection.generator_of(shards)
    samples.write(tmp_path / "none.parquet", [])
    with pytest.raises(InputError, match="none"):
        collection.generator_of([tmp_path / "none.parquet"])

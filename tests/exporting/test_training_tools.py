"""Formats of training tools, read back as those tools do."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import datasets  # type: ignore[import-untyped]
import numpy as np
import pytest
import rasterio
import yaml
from PIL import Image

from landloom.config.export import ExportConfig
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.exporting import collection, webdataset
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.stages import export
from tests import exports
from tests.raster.test_outlines import fill


def make(tmp_path: Path, name: Any, bands: int = 3, min_trust: float = 0, out: str = "out") -> Path:
    exports.statistics(bands).save(tmp_path / "statistics.json")
    shard = exports.curated(tmp_path / "curated.parquet", bands)
    config = ExportConfig(formats=[name], license="CC-BY-4.0")
    export.run(config, "tiny", tmp_path / "statistics.json", [shard], tmp_path / out, min_trust)
    return tmp_path / out / name


def accepted(tmp_path: Path) -> list[Sample]:
    return list(collection.accepted([tmp_path / "curated.parquet"]))


def members(root: Path) -> dict[str, bytes]:
    """Contents of all tar files by name, in order."""
    found = {}
    for path in sorted(root.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")
                file = tar.extractfile(member)
                assert file is not None
                found[member.name] = file.read()
    return found


@pytest.mark.parametrize("bands", [3, 5])
def test_tar_files_hold_every_band_mask_and_word(tmp_path: Path, bands: int) -> None:
    files = members(make(tmp_path, "webdataset", bands))
    kind = "png" if bands == 3 else "tif"
    wanted = [f"landloom-{i}.{part}" for i in range(3) for part in (f"image.{kind}", "json", "mask.png")]
    assert list(files) == wanted
    for sample in accepted(tmp_path):
        with rasterio.MemoryFile(files[f"{sample.id}.image.{kind}"]) as memory, memory.open() as image:
            np.testing.assert_array_equal(image.read(), sample.image_array())
        mask = np.asarray(Image.open(io.BytesIO(files[f"{sample.id}.mask.png"])))
        np.testing.assert_array_equal(mask, sample.mask_array())
    about = json.loads(files["landloom-0.json"])
    assert about["ratios"] == pytest.approx(accepted(tmp_path)[0].ratios, abs=1e-6)
    del about["ratios"]
    assert about == {
        "id": "landloom-0", "synthetic": True, "statement": "synthetic: not an observation",
        "license": "CC-BY-4.0", "generator": "landloom", "seed": 100, "caption": "a picture, number 10",
        "parents": ["a_0_0"], "crs": exports.CRS, "transform": exports.TRANSFORM,
    }  # fmt: skip


def test_tar_files_load_with_datasets(tmp_path: Path) -> None:
    root = make(tmp_path, "webdataset")
    files = [str(p) for p in sorted(root.glob("*.tar"))]
    found = datasets.load_dataset(
        "webdataset", data_files=files, split="train", cache_dir=str(tmp_path / "c")
    )
    assert found["__key__"] == ["landloom-0", "landloom-1", "landloom-2"]
    for row, sample in zip(found, accepted(tmp_path), strict=True):
        np.testing.assert_array_equal(np.moveaxis(np.asarray(row["image.png"]), -1, 0), sample.image_array())
        np.testing.assert_array_equal(np.asarray(row["mask.png"]), sample.mask_array())
        assert row["json"]["seed"] == sample.seed


def test_tar_files_load_with_webdataset(tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset")
    files = [str(p) for p in sorted(make(tmp_path, "webdataset").glob("*.tar"))]
    rows = list(wds.WebDataset(files, shardshuffle=False).decode("rgb8"))
    for row, sample in zip(rows, accepted(tmp_path), strict=True):
        assert row["__key__"] == row["json"]["id"] == sample.id
        np.testing.assert_array_equal(np.moveaxis(row["image.png"], -1, 0), sample.image_array())
        np.testing.assert_array_equal(row["mask.png"][..., 0], sample.mask_array())


def test_tar_files_end_at_their_size_with_whole_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = members(make(tmp_path, "webdataset"))
    monkeypatch.setattr(webdataset, "SHARD_BYTES", 6000)  # a sample takes 3 heads and 4 or 5 blocks of 512
    root = make(tmp_path, "webdataset", out="parts")
    assert [p.name for p in sorted(root.glob("*.tar"))] == ["train-000000.tar", "train-000001.tar"]
    assert members(root) == whole


def test_equal_samples_give_equal_tar_files(tmp_path: Path) -> None:
    first, second = (make(tmp_path, "webdataset", out=n) / "train-000000.tar" for n in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_pixels_of_little_trust_are_left_out_of_a_second_mask(tmp_path: Path) -> None:
    files = members(make(tmp_path, "webdataset", min_trust=0.9))  # all pixels have 200 of 255
    assert (codec.decode(files["landloom-1.trusted.png"]) == IGNORE).all()


def test_a_key_has_no_dot_and_no_two_ids_share_one() -> None:
    assert webdataset.key("gan.v2_森.1") == "gan%2Ev2_森%2E1"
    assert len({webdataset.key(n) for n in ("a.b", "a%2Eb", "a%252Eb", "a_b")}) == 4


@pytest.mark.parametrize("bands", [3, 5])
def test_mmsegmentation_finds_what_its_config_names(tmp_path: Path, bands: int) -> None:
    root = make(tmp_path, "mmsegmentation", bands)
    card = (root / "README.md").read_text()
    assert "CC-BY-4.0" in card
    assert "Synthetic: not an observation" in card
    settings: dict[str, Any] = {}
    exec(card.split("```python\n")[1].split("```")[0], settings)
    found = settings["dataset"]
    assert found["metainfo"]["classes"] == ("water", "built up", "forest")
    assert found["metainfo"]["palette"] == [[31, 119, 180], [214, 39, 40], [44, 160, 44]]
    assert json.loads((root / "metainfo.json").read_text()) == {
        "classes": list(found["metainfo"]["classes"]), "palette": found["metainfo"]["palette"]
    }  # fmt: skip
    images, masks = (root / found["data_prefix"][k] for k in ("img_path", "seg_map_path"))
    for sample in accepted(tmp_path):
        picture = Image.open(images / f"{sample.id}{found['img_suffix']}")
        assert (picture.mode, picture.size) == ("RGB", (16, 16))
        if bands == 3:
            np.testing.assert_array_equal(np.moveaxis(np.asarray(picture), -1, 0), sample.image_array())
        mask = Image.open(masks / f"{sample.id}{found['seg_map_suffix']}")
        assert mask.mode == "L"
        np.testing.assert_array_equal(np.asarray(mask), sample.mask_array())
    assert len(list(images.iterdir())) == len(list(masks.iterdir())) == 3


def test_yolo_polygons_give_back_the_mask(tmp_path: Path) -> None:
    root = make(tmp_path, "yolo-seg")
    about = yaml.safe_load((root / "data.yaml").read_text())
    assert about["names"] == {0: "water", 1: "built up", 2: "forest"}
    for sample in accepted(tmp_path):
        image = root / about["train"] / f"{sample.id}.png"
        np.testing.assert_array_equal(np.moveaxis(np.asarray(Image.open(image)), -1, 0), sample.image_array())
        back = np.full((exports.SIDE, exports.SIDE), IGNORE, np.uint8)
        # Readers find labels by this change of the path.
        labels = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
        for text in labels.read_text().splitlines():
            category, *shares = text.split()
            corners = np.array(shares, np.float64).reshape(-1, 2)
            assert corners.min() >= 0
            assert corners.max() <= 1
            back[fill(corners * exports.SIDE, back.shape)] = int(category)
        np.testing.assert_array_equal(back, sample.mask_array())


def test_yolo_corners_are_shares_of_width_and_height(tmp_path: Path) -> None:
    exports.statistics().save(tmp_path / "statistics.json")
    mask = np.full((4, 8), IGNORE, np.uint8)
    mask[1:3, 2:4] = 1
    image = codec.encode(np.zeros((3, 4, 8), np.uint8))
    samples.write(tmp_path / "c.parquet", [Sample("x", codec.encode(mask), image)], {"generator": "g"})
    places = ("tiny", tmp_path / "statistics.json", [tmp_path / "c.parquet"], tmp_path / "out")
    export.run(ExportConfig(formats=["yolo-seg"]), *places)
    category, *shares = (tmp_path / "out/yolo-seg/labels/train/x.txt").read_text().split()
    assert category == "1"
    corners = {tuple(c) for c in np.array(shares, float).reshape(-1, 2).tolist()}
    assert corners == {(0.25, 0.25), (0.5, 0.25), (0.5, 0.75), (0.25, 0.75)}

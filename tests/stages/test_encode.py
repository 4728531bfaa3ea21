from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors import safe_open

from landloom.config.base import BaseConfig
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.diffusion import latent_cache
from landloom.models import bundle
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.raster.palette import paint
from tests import bases
from tests.stages.conftest import hold, run


@pytest.fixture(scope="module")
def model(base: Path) -> StableDiffusion:
    return bundle.load(base).to(torch.device("cpu"))


def train(tiny: dict[str, Any]) -> list[Sample]:
    return list(samples.read(tiny["tiles"], "train"))


def test_only_train_tiles_are_encoded(tiny: dict[str, Any], latents: list[Path]) -> None:
    found = latent_cache.load(latents)
    assert found.ids == ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4"]
    assert {s.id for s in samples.read(tiny["tiles"]) if s.split != "train"} == {"a0", "b0"}
    rows = found.columns | {"images": found.images, "masks": found.masks, "metadata": found.more["metadata"]}
    assert all(len(v) == 8 for v in rows.values())


def test_latents_are_those_of_the_images_and_painted_masks(
    tiny: dict[str, Any], latents: list[Path], model: StableDiffusion
) -> None:
    statistics, found = Statistics.load(tiny["statistics"]), latent_cache.load(latents)
    for i, s in enumerate(train(tiny)):
        image = torch.from_numpy(statistics.scale(s.image_array()))
        mask = torch.from_numpy(paint(s.mask_array(), model.palette(3)))
        for made, picture in ((found.images, image), (found.masks, mask)):
            wanted = model.encode(torch.stack([picture, picture.flip(-1)]))
            assert torch.allclose(made[i], wanted, atol=0.02)


def test_labels_ratios_and_words_belong_to_the_tiles(
    tiny: dict[str, Any], latents: list[Path], model: StableDiffusion
) -> None:
    found = latent_cache.load(latents)
    words = pd.concat([pd.read_parquet(p) for p in tiny["captions"]]).set_index("id")
    for i, s in enumerate(train(tiny)):
        assert torch.equal(found.labels[i], torch.from_numpy(s.mask_array()))
        assert found.ratios[i].tolist() == pytest.approx(s.ratios)
        both = model.embed([words["caption"][s.id], words["prompt"][s.id]])
        assert torch.allclose(found.text[found.captions[i]], both[0], atol=1e-5)
        assert torch.allclose(found.text[found.prompts[i]], both[1], atol=1e-5)
    assert torch.allclose(found.text[0], model.embed([""])[0], atol=1e-5)


@pytest.mark.parametrize(("augment", "count"), [("none", 1), ("d4", 8)])
def test_variants_and_type_are_as_asked(
    tiny: dict[str, Any], base: Path, tmp_path: Path, augment: str, count: int
) -> None:
    config = bases.ENCODE.model_copy(update={"augment": augment, "precision": "bf16", "batch": 3})
    out = encode(tiny, base, tmp_path, tiny["tiles"][0], config)
    found = latent_cache.load([out])
    assert found.images.shape == found.masks.shape == (4, count, 4, 16, 16)
    assert found.images.dtype == found.text.dtype == torch.bfloat16


def test_a_scene_without_train_tiles_has_an_empty_cache(
    tiny: dict[str, Any], base: Path, latents: list[Path], tmp_path: Path
) -> None:
    tested = [s for s in samples.read(tiny["tiles"]) if s.split == "test"]
    samples.write(tmp_path / "test.parquet", tested)
    out = encode(tiny, base, tmp_path, tmp_path / "test.parquet", bases.ENCODE)
    assert latent_cache.load([out, latents[0]]).ids == ["a1", "a2", "a3", "a4"]


def test_no_masks_are_encoded_for_a_base_that_knows_none(
    tiny: dict[str, Any], base: Path, latents: list[Path], image_job: dict[str, Any], tmp_path: Path
) -> None:
    learned = BaseConfig(masks=False)
    out = encode(tiny, base, tmp_path, tiny["tiles"][0], bases.ENCODE, learned=learned)
    found, whole = latent_cache.load([out]), latent_cache.load(latents[:1])
    assert found.masks.numel() == 0
    assert torch.equal(found.images, whole.images)
    run("image_train", image_job | {"latents": [out]}, tmp_path)  # which does not miss them


def test_streamed_tiles_give_the_same_file(
    tiny: dict[str, Any], base: Path, latents: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = hold(monkeypatch, 2 * bases.SIDE**2 * 9)
    out = encode(tiny, base, tmp_path, tiny["tiles"][0], bases.ENCODE)
    assert out.read_bytes() == latents[0].read_bytes()
    assert max(most) == (2, 4)


def encode(tiny: dict[str, Any], base: Path, folder: Path, tiles: Path, config: Any, **more: Any) -> Path:
    out = folder / "latents.safetensors"
    words = tiny["captions"][0]
    bases.execute(
        "encode",
        config=config,
        statistics=tiny["statistics"],
        base=base,
        tiles=tiles,
        captions=words,
        out=out,
        **more,
    )
    return out


def test_what_conditions_need_is_kept_by_their_names(
    tiny: dict[str, Any], latents: list[Path], told_latents: list[Path]
) -> None:
    with safe_open(latents[0], "pt") as file:
        assert not {"low_resolution"} & set(file.keys())
        assert file.get_tensor("metadata").shape == (4, 14)
    with safe_open(told_latents[0], "pt") as file:
        assert file.get_tensor("low_resolution").shape == (4, bases.BANDS + 1, 8, 8)

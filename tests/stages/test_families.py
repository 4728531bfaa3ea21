"""Bases of today's families through every stage, and what was trained for them in plain pipelines."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    DiffusionPipeline,
    StableDiffusion3ControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
    UniPCMultistepScheduler,
)
from safetensors.torch import load_file
from torch import Tensor

from landloom.conditions import registry
from landloom.conditions.mask import one_hot
from landloom.config.base import BaseConfig
from landloom.config.label_train import ProportionLoss, VectorConfig
from landloom.config.metadata import MetadataConfig
from landloom.data import samples
from landloom.diffusion import controlnet, latent_cache, lora
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.objective import DenoisingObjective
from landloom.diffusion.sampling import Guidance, noise, sample
from landloom.errors import InputError
from landloom.models import bundle
from landloom.provenance import records
from landloom.raster.palette import paint
from tests import bases, families
from tests.stages.conftest import IMAGE, LABEL, cut, run

CPU, SEEDS, SCALE = torch.device("cpu"), [3, 5], 3.0
FEW = {"steps": 4, "lr": 1e-2}
LABELS = LABEL.model_copy(update=FEW | {"proportion": ProportionLoss(probe_steps=3)})
IMAGES = IMAGE.model_copy(update=FEW | {"init": "small", "metadata": MetadataConfig()})
NAMES = {
    "sdxl": ("StableDiffusionXLPipeline", "ControlNetModel"),
    "sd3": ("StableDiffusion3Pipeline", "SD3ControlNetModel"),
}
CONTROLLED = {"sdxl": StableDiffusionXLControlNetPipeline, "sd3": StableDiffusion3ControlNetPipeline}


@pytest.fixture(scope="module", params=families.MADE)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def base(family: str, base_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A given base, as the stage ``base`` takes it in."""
    folder = tmp_path_factory.mktemp(family)
    families.MADE[family]().save(folder / "source")
    return run("base", base_job | {"config": BaseConfig(source=str(folder / "source"))}, folder)


@pytest.fixture(scope="module")
def latents(tiny: dict[str, Any], base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("latents") / "a.safetensors"
    job = {"statistics": tiny["statistics"], "base": base, "out": out, "config": bases.ENCODE}
    bases.execute("encode", **job, tiles=tiny["tiles"][0], captions=tiny["captions"][0])
    return [out]


@pytest.fixture(scope="module")
def labels_job(tiny: dict[str, Any], base: Path, latents: list[Path]) -> dict[str, Any]:
    own = {"config": LABELS, "seed": 2, "run": bases.EVERY_STEP}
    return own | {"statistics": tiny["statistics"], "base": base, "latents": latents}


@pytest.fixture(scope="module")
def images_job(labels_job: dict[str, Any]) -> dict[str, Any]:
    return labels_job | {"config": IMAGES, "seed": 3}


@pytest.fixture(scope="module")
def masker(labels_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run("label_train", labels_job, tmp_path_factory.mktemp("masker"))


@pytest.fixture(scope="module")
def painter(images_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run("image_train", images_job, tmp_path_factory.mktemp("painter"))


def plain(base: Path, family: str, flow_steps: int = 1) -> tuple[DiffusionPipeline, int]:
    """A pipeline of diffusers, and how many steps it takes as our sampler does."""
    pipe = DiffusionPipeline.from_pretrained(base)
    pipe.set_progress_bar_config(disable=True)
    if family == "sd3":
        return pipe, flow_steps  # from pure noise, a step of Euler's is one of ours
    pipe.scheduler = UniPCMultistepScheduler.from_config(pipe.scheduler.config)
    return pipe, 3


def ours(denoiser: Denoiser, given: dict[str, Tensor], steps: int) -> Tensor:
    guide = [Guidance(SCALE - 1, frozenset({"text"}))]
    model = denoiser.model
    return sample(denoiser, model.scheduler, given, SEEDS, steps, bases.SIDE // model.factor, guide)


def told(denoiser: Denoiser, text: str) -> dict[str, Tensor]:
    """Words alone; other conditions are not told."""
    model = denoiser.model
    return {
        c.name: model.embed([text] * 2) if c.name == "text" else c.null.expand(2, *c.null.shape)
        for c in denoiser.conditions
    }


def test_the_cache_holds_words_of_the_family(latents: list[Path], base: Path) -> None:
    model, found = bundle.load(base).to(CPU), latent_cache.load(latents)
    assert torch.allclose(found.text[0], model.embed([""])[0], atol=1e-4)
    assert found.images.shape == (4, 2, model.vae.config.latent_channels, 16, 16)
    assert found.text.shape[1:] == model.embed(["a"]).shape[1:]


def test_masks_and_images_are_made(
    tiny: dict[str, Any], base: Path, masker: Path, painter: Path, plan: Path, tmp_path: Path
) -> None:
    job = {"statistics": tiny["statistics"], "base": base}
    masks, pairs = tmp_path / "masks.parquet", tmp_path / "pairs.parquet"
    few, asked = '{"steps": 2, "control": {"latent": 0.1}}', {"generator": "g", "shard": 0, "plan": plan}
    bases.execute("label_sample", config=few, **asked, **job, model=masker, tiles=tiny["tiles"], out=masks)
    more = {"masks": masks, "controlnet": painter, "resamples": tmp_path / "resamples.parquet"}
    settings = '{"steps": 2, "guidance": {"text": 2, "metadata": 1.5}, "collage": {"strength": 0.5}}'
    bases.execute("image_sample", config=settings, **more, **job, tiles=tiny["tiles"], out=pairs)
    made = list(samples.read(pairs))
    assert len(made) == 3
    for s in made:
        assert s.image_array().shape == (bases.BANDS, bases.SIDE, bases.SIDE)
        assert set(np.unique(s.mask_array())) <= {0, 1, 2}


def test_cards_say_how_to_load(family: str, masker: Path, painter: Path, base: Path) -> None:
    words, images = ((folder / "README.md").read_text() for folder in (masker, painter))
    pipeline, control = NAMES[family]
    assert f"`{pipeline}.from_pretrained(base).load_lora_weights(folder)`" in words
    assert f"`{control}.from_pretrained(folder)`" in images
    code = ", ".join(f"{v:g}" for v in bundle.load(base).palette(3)[1])
    assert (f"({code})" in images) is (family == "sd3")
    assert ("the one-hot mask" in images) is (family != "sd3")


def test_the_null_of_guidance_is_that_of_training(latents: list[Path], masker: Path, painter: Path) -> None:
    for folder in (masker, painter):
        null = load_file(folder / "text.safetensors")["null"]
        assert torch.equal(null, latent_cache.load(latents).text[0])


def test_a_plain_pipeline_makes_the_same_with_the_lora(family: str, base: Path, masker: Path) -> None:
    model = bundle.load(base)
    lora.load(model, masker)
    denoiser = Denoiser(model.to(CPU), registry.load(masker, model.embed))
    pipe, steps = plain(base, family)
    found = ours(denoiser, told(denoiser, "60% forest"), steps)
    start = noise(SEEDS, tuple(found.shape[1:]))
    size = {"height": bases.SIDE, "width": bases.SIDE, "output_type": "latent"}
    asked = size | {"guidance_scale": SCALE, "num_inference_steps": steps, "latents": start}
    without = pipe(["60% forest"] * 2, **asked).images
    pipe.load_lora_weights(masker)
    made = pipe(["60% forest"] * 2, **asked).images
    assert torch.allclose(made, found, atol=1e-4)
    assert not torch.allclose(without, found, atol=1e-2)


def test_a_plain_pipeline_makes_the_same_with_the_controlnet(
    family: str, base: Path, images_job: dict[str, Any], tmp_path: Path
) -> None:
    folder = run(
        "image_train", images_job | {"config": IMAGES.model_copy(update={"metadata": None})}, tmp_path
    )
    model = bundle.load(base).to(CPU)
    made = controlnet.load(folder, model, CPU, torch.float32)
    denoiser = Denoiser(model, registry.load(folder, model.embed), made)
    pipe, steps = plain(base, family)
    mask = torch.from_numpy(np.stack([bases.mask(np.random.default_rng(i)) for i in range(2)]))
    found = ours(denoiser, told(denoiser, "a river") | {"mask": mask}, steps)

    control = model.control.from_pretrained(folder)
    both = CONTROLLED[family](**pipe.components, controlnet=control)
    both.set_progress_bar_config(disable=True)
    seen, name = one_hot(mask, 3), "image"
    if family == "sd3":  # masks as pictures, in the base's own palette
        seen, name = torch.from_numpy(paint(mask.numpy(), model.palette(3))), "control_image"
    asked = {
        name: seen,
        "height": bases.SIDE, "width": bases.SIDE, "output_type": "latent", "guidance_scale": SCALE,
        "num_inference_steps": steps, "latents": noise(SEEDS, tuple(found.shape[1:])),
    }  # fmt: skip
    assert torch.allclose(both(["a river"] * 2, **asked).images, found, atol=1e-4)
    asked[name] = seen.flip(2)
    assert not torch.allclose(both(["a river"] * 2, **asked).images, found, atol=1e-2)


def test_cut_off_it_ends_at_the_same_bytes(
    masker: Path, painter: Path, labels_job: dict[str, Any], images_job: dict[str, Any],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for stage, job, whole in (("label_train", labels_job, masker), ("image_train", images_job, painter)):
        again = cut(monkeypatch, DenoisingObjective, 2, stage, job, tmp_path / stage)
        assert records.digest(again) == records.digest(whole)
        monkeypatch.undo()


def test_ratio_tokens_are_told_or_left_out(family: str, labels_job: dict[str, Any], tmp_path: Path) -> None:
    config = LABELS.model_copy(update={"vector": VectorConfig(tokens=2)})
    if family == "sd3":
        with pytest.raises(
            InputError, match=r"^label_train\.vector\.tokens: 2 cannot be had .* cannot leave"
        ):
            run("label_train", labels_job | {"config": config}, tmp_path)
        return
    folder = run("label_train", labels_job | {"config": config}, tmp_path)
    model = bundle.load(labels_job["base"])
    lora.load(model, folder)
    denoiser = Denoiser(model.to(CPU), registry.load(folder, model.embed))
    x, given = torch.randn(2, 4, 16, 16), told(denoiser, "a river")
    words = Denoiser(model, type(denoiser.conditions)([denoiser.conditions.members["text"]]))
    alone = words(x, torch.tensor(500), {"text": given["text"]})
    assert torch.allclose(denoiser(x, torch.tensor(500), given), alone, atol=1e-5)
    given["ratios"] = denoiser.conditions.members["ratios"].load([Asked()] * 2)
    assert not torch.allclose(denoiser(x, torch.tensor(500), given), alone, atol=1e-4)


class Asked:
    """A request for a class mix."""

    target = np.array([0.5, 0.3, 0.2])

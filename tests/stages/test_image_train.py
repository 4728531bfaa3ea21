import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from safetensors.torch import load_file

from landloom.config.image_train import CycleGanConfig, OneStepConfig, Pix2PixConfig
from landloom.config.low_resolution import LowResolutionConfig
from landloom.diffusion import controlnet
from landloom.diffusion.adversarial_one_step import OneStepObjective
from landloom.diffusion.controlnet import stem
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import InputError
from landloom.gan.cyclegan import CycleGanObjective
from landloom.gan.pix2pix import Pix2PixObjective
from landloom.models import bundle
from landloom.provenance import records
from tests import bases
from tests.stages.conftest import IMAGE, cut, hold, outputs, run


@pytest.mark.parametrize("factor", [1, 2, 4, 8, 16, 32])
def test_the_stem_shrinks_as_the_autoencoder_does(factor: int) -> None:
    made = ControlNetConditioningEmbedding(8, conditioning_channels=3, block_out_channels=stem(factor))
    assert made(torch.zeros(1, 3, 32, 32)).shape == (1, 8, 32 // factor, 32 // factor)
    assert stem(8) == (16, 32, 96, 256)


def test_the_folder_is_a_controlnet_for_one_hot_masks(controlnet: Path) -> None:
    model = ControlNetModel.from_pretrained(controlnet, use_safetensors=True)
    assert model.config.conditioning_channels == 3
    # Zero at the start: without training the mask would have no effect.
    assert model.controlnet_mid_block.weight.abs().max() > 0
    assert model.controlnet_cond_embedding.conv_out.weight.abs().max() > 0
    assert all(name in (controlnet / "README.md").read_text() for name in bases.NAMES)


def test_the_record_and_the_base(controlnet: Path, base: Path) -> None:
    found = bases.record(controlnet)
    assert (found["stage"], found["sha256"]) == ("image_train", records.digest(controlnet))
    assert found["inputs"][str(base)] == records.digest(base)


def test_same_seed_same_bytes(controlnet: Path, image_job: dict[str, Any], tmp_path: Path) -> None:
    assert records.digest(run("image_train", image_job, tmp_path)) == records.digest(controlnet)


def test_killed_it_ends_the_same(controlnet: Path, image_job: dict[str, Any], tmp_path: Path) -> None:
    job = image_job | outputs("image_train", tmp_path)
    assert bases.interrupted("image_train", signal.SIGKILL, "checkpoint.pt", **job) == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert 0 < torch.load(next(tmp_path.rglob("checkpoint.pt")))["step"] < IMAGE.steps
    assert records.digest(run("image_train", image_job, tmp_path)) == records.digest(controlnet)


def test_the_stems_widths_can_be_set(image_job: dict[str, Any], tmp_path: Path) -> None:
    config = IMAGE.model_copy(update={"steps": 1, "channels": (4, 12)})
    out = run("image_train", image_job | {"config": config}, tmp_path)
    assert ControlNetModel.load_config(out)["conditioning_embedding_out_channels"] == [4, 12]


def test_cyclegan_learns_from_tiles_alone(cyclegan: Path) -> None:
    assert {p.name for p in cyclegan.iterdir()} == {"config.json", "generator.safetensors", "README.md"}
    statistics = (cyclegan / "README.md").read_text()
    assert "# Image generator (CycleGAN)" in statistics
    assert all(name in statistics for name in bases.NAMES)


def test_pix2pix_learns_from_tiles_alone(pix2pix_job: dict[str, Any], pix2pix: Path, tmp_path: Path) -> None:
    assert (pix2pix / "generator.safetensors").is_file()
    assert all(name in (pix2pix / "README.md").read_text() for name in bases.NAMES)
    assert records.digest(run("image_train", pix2pix_job, tmp_path)) == records.digest(pix2pix)


def test_tiles_that_cannot_be_halved_are_an_input_error(pix2pix_job: dict[str, Any], tmp_path: Path) -> None:
    config = pix2pix_job["config"].model_copy(update={"pix2pix": Pix2PixConfig(levels=6)})
    with pytest.raises(InputError, match="6 cannot halve tiles of 32 pixels"):
        run("image_train", pix2pix_job | {"config": config}, tmp_path)


def test_a_missing_input_of_the_backend_is_named(image_job: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--base"):
        run("image_train", {k: v for k, v in image_job.items() if k != "base"}, tmp_path)


def test_a_lora_of_the_base_learns_along(image_job: dict[str, Any], base: Path, tmp_path: Path) -> None:
    config = IMAGE.model_copy(update={"steps": 2, "lora": 4, "coarse": 0.5})
    out = run("image_train", image_job | {"config": config}, tmp_path)
    learned = load_file(out / "pytorch_lora_weights.safetensors")
    assert any(v.abs().max() > 0 for k, v in learned.items() if "lora_B" in k or "up" in k)
    model = bundle.load(base)
    x, text = torch.randn(1, 4, 16, 16), model.embed(["a river"])
    plain = model.unet(x, 500, text).sample
    controlnet.load(out, model, torch.device("cpu"), torch.float32)
    assert not torch.equal(model.unet(x, 500, text).sample, plain)


def test_one_step_is_a_controlnet_like_any_other(
    image_job: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    """The discriminator stays out of the folder; killed, it ends the same, so both players are saved."""
    own = OneStepConfig(width=8)
    config = IMAGE.model_copy(update={"objective": "one_step", "one_step": own, "unlock": True, "steps": 12})
    job = image_job | {"config": config}
    out = run("image_train", job, tmp_path / "whole")
    plain = load_file(run("image_train", image_job, tmp_path / "d") / "diffusion_pytorch_model.safetensors")
    learned = load_file(out / "diffusion_pytorch_model.safetensors")
    assert learned.keys() == plain.keys()
    told = next((tmp_path / "whole").rglob("*metrics.jsonl"))
    assert {"adversarial", "discriminator"} <= json.loads(told.read_text().splitlines()[0]).keys()
    killed = job | outputs("image_train", tmp_path / "killed")
    assert bases.interrupted("image_train", signal.SIGKILL, "checkpoint.pt", **killed) == -signal.SIGKILL
    assert records.digest(run("image_train", job, tmp_path / "killed")) == records.digest(out)


def test_an_unlocked_decoder_learns(image_job: dict[str, Any], base: Path, tmp_path: Path) -> None:
    config = IMAGE.model_copy(update={"steps": 2, "unlock": True, "init": "small"})
    out = run("image_train", image_job | {"config": config}, tmp_path)
    learned = load_file(out / "decoder.safetensors")
    before = load_file(base / "unet/diffusion_pytorch_model.safetensors")
    assert all(not torch.equal(v, before[k]) for k, v in learned.items() if k.endswith("weight"))


def test_sections_say_what_a_generator_is_told(told: Path, controlnet: Path) -> None:
    found = json.loads((told / "conditions.json").read_text())
    assert list(found) == ["mask", "text", "metadata", "low_resolution"]
    assert list(json.loads((controlnet / "conditions.json").read_text())) == ["mask", "text"]
    assert found["mask"]["channels"] == bases.NAMES
    assert found["low_resolution"]["channels"] == [*(f"mean of band {i}" for i in (1, 2, 3, 4)), "known"]
    learned = load_file(told / "metadata.safetensors")["last.weight"]
    stem = load_file(told / "stems.safetensors")["low_resolution.conv_out.weight"]
    assert learned.abs().max() > 0  # both start as zeros
    assert stem.abs().max() > 0


def test_stock_pipelines_load_a_generator_that_is_told_more(told: Path, base: Path) -> None:
    """They know mask and caption alone, and see what a ControlNet of these would."""
    made = ControlNetModel.from_pretrained(told, use_safetensors=True)
    assert made.config.conditioning_channels == 3
    pipe = StableDiffusionControlNetPipeline.from_pretrained(base, controlnet=made, local_files_only=True)
    latents, text = torch.randn(1, 4, 16, 16), torch.randn(1, 7, 32)
    down, _ = pipe.controlnet(latents, 5, text, controlnet_cond=torch.rand(1, 3, 32, 32), return_dict=False)
    assert all(d.isfinite().all() for d in down)


@pytest.mark.parametrize("size", [1, 20_000])
def test_streamed_rows_give_the_same_bytes_also_when_cut_off(
    controlnet: Path, image_job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    most = hold(monkeypatch, size)
    streamed = cut(monkeypatch, DenoisingObjective, 3, "image_train", image_job, tmp_path)
    assert records.digest(streamed) == records.digest(controlnet)
    assert most
    assert all(held < count for held, count in most)


def test_a_streamed_step_at_once_is_the_same(
    image_job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"objective": "one_step", "one_step": OneStepConfig(width=8), "unlock": True, "steps": 6}
    job = image_job | {"config": IMAGE.model_copy(update=own)}
    whole = run("image_train", job, tmp_path / "whole")
    hold(monkeypatch, 20_000)
    streamed = cut(monkeypatch, OneStepObjective, 3, "image_train", job, tmp_path / "streamed")
    assert records.digest(streamed) == records.digest(whole)


@pytest.mark.parametrize(("name", "kind"), [("pix2pix", Pix2PixObjective), ("cyclegan", CycleGanObjective)])
def test_streamed_tiles_give_the_same_baselines(
    request: pytest.FixtureRequest, pix2pix_job: dict[str, Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, name: str, kind: type[Any],
) -> None:  # fmt: skip
    whole, config = request.getfixturevalue(name), pix2pix_job["config"]
    if name == "cyclegan":
        own = CycleGanConfig(width=8, levels=3)
        config = IMAGE.model_copy(update={"backend": name, name: own, "steps": 40})
    most = hold(monkeypatch, 2 * bases.SIDE**2 * 9)
    streamed = cut(monkeypatch, kind, 3, "image_train", pix2pix_job | {"config": config}, tmp_path)
    assert records.digest(streamed) == records.digest(whole)
    assert max(most) == (2, 8)


def test_a_training_begins_from_another(
    controlnet: Path, told_latents: list[Path], image_job: dict[str, Any], tmp_path: Path
) -> None:
    """One step with a small rate leaves the trained weights where they were; the new hint has its stem."""
    own = {"low_resolution": LowResolutionConfig(factor=4), "steps": 1, "lr": 1e-6}
    job = image_job | {"config": IMAGE.model_copy(update=own), "latents": told_latents, "start": controlnet}
    out = run("image_train", job, tmp_path)
    before, after = (load_file(f / "diffusion_pytorch_model.safetensors") for f in (controlnet, out))
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, atol=1e-5, rtol=0)
    assert list(json.loads((out / "conditions.json").read_text())) == ["mask", "text", "low_resolution"]
    assert bases.record(out)["inputs"][str(controlnet)] == records.digest(controlnet)

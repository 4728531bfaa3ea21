import shutil
from pathlib import Path
from typing import Literal

import pytest
import torch
from diffusers import StableDiffusionPipeline

from landloom.errors import InputError
from landloom.models import bundle
from tests import bases

PARTS = ["vae", "unet", "text_encoder", "tokenizer", "scheduler"]


@pytest.fixture(scope="module", params=["dc", "kl"])
def kind(request: pytest.FixtureRequest) -> Literal["dc", "kl"]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, kind: Literal["dc", "kl"]) -> Path:
    path = tmp_path_factory.mktemp("bundle")
    made = bases.bundle(kind)
    made.vae.register_to_config(scaling_factor=0.5)
    made.save(path)
    return path


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "copy")


def test_a_saved_base_is_the_same(folder: Path, kind: Literal["dc", "kl"]) -> None:
    made, found = bases.bundle(kind), bundle.load(folder)
    for part in ("vae", "unet", "text_encoder"):
        saved = getattr(found, part).state_dict()
        assert all(torch.equal(v, saved[k]) for k, v in getattr(made, part).state_dict().items())
    assert found.scheduler.config.prediction_type == "v_prediction"
    assert (found.channels, found.factor, found.vae.config.scaling_factor) == (4, 2, 0.5)
    assert torch.equal(found.tokens(bases.TEXTS), made.tokens(bases.TEXTS))


def test_plain_diffusers_sees_the_same_text_and_latents(folder: Path, kind: Literal["dc", "kl"]) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(folder)
    found = bundle.load(folder).to(torch.device("cpu"))
    words = pipe.encode_prompt(bases.TEXTS, torch.device("cpu"), 1, do_classifier_free_guidance=False)[0]
    assert torch.allclose(words, found.embed(bases.TEXTS), atol=1e-6)
    assert pipe.vae_scale_factor == found.factor
    image = torch.rand(1, 4, 32, 32) * 2 - 1
    encoded = pipe.vae.encode(image)
    latent = encoded.latent if kind == "dc" else encoded.latent_dist.mode()
    assert torch.allclose(found.encode(image), latent * 0.5, atol=1e-6)
    decoded = pipe.vae.decode(torch.ones(1, 4, 16, 16) / 0.5).sample
    assert torch.allclose(found.decode(torch.ones(1, 4, 16, 16)), decoded, atol=1e-6)


def test_long_texts_are_cut() -> None:
    assert bases.bundle().tokens(["x " * 200, ""]).shape == (2, 77)


def test_moving_freezes(folder: Path) -> None:
    made = bundle.load(folder).to(torch.device("cpu"), torch.bfloat16)
    for part in (made.vae, made.unet, made.text_encoder):
        assert not part.training
        assert all(not p.requires_grad and p.dtype == torch.bfloat16 for p in part.parameters())


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_named(copied: Path, part: str) -> None:
    shutil.rmtree(copied / part)
    with pytest.raises(InputError, match=rf"copy/{part}: cannot be loaded"):
        bundle.load(copied)


@pytest.mark.parametrize("part", ["vae", "unet", "text_encoder"])
def test_cut_off_weights_are_an_input_error(copied: Path, part: str) -> None:
    file = next((copied / part).glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=rf"copy/{part}: cannot be loaded"):
        bundle.load(copied)


@pytest.mark.parametrize(("part", "name"), [("unet", "diffusion_pytorch_model"), ("text_encoder", "model")])
def test_pickles_are_never_read(copied: Path, part: str, name: str) -> None:
    model = getattr(bundle.load(copied), part)
    (copied / part / f"{name}.safetensors").unlink()
    bin_name = "pytorch_model.bin" if part == "text_encoder" else f"{name}.bin"
    torch.save(model.state_dict(), copied / part / bin_name)
    with pytest.raises(InputError, match=rf"copy/{part}: cannot be loaded"):
        bundle.load(copied)


def test_loading_says_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bundle.load(folder)
    assert capfd.readouterr() == ("", "")

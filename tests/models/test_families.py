"""Bases of today's families, against plain diffusers."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from torch import Tensor

from landloom.config.base import BaseConfig
from landloom.errors import InputError
from landloom.models import bundle, layout
from landloom.models.families.base import Bundle, pack, unpack
from tests import bases, families

CPU = torch.device("cpu")
TEXTS = [*bases.TEXTS, ""]


@pytest.fixture(scope="module", params=families.MADE)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("families") / request.param
    families.MADE[request.param]().save(path)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Bundle:
    return bundle.load(folder).to(CPU)


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "copy")


def problems(folder: Path, size: int = 32) -> list[str]:
    return [str(p) for p in layout.problems(BaseConfig(source=str(folder)), size)]


def test_a_saved_base_is_the_same(folder: Path, model: Bundle) -> None:
    made = families.MADE[folder.name]()
    for name, part in made.parts.items():
        if isinstance(part, torch.nn.Module):
            saved = getattr(model, name).state_dict()
            assert all(torch.equal(v, saved[k]) for k, v in part.state_dict().items()), name
    assert (model.channels, model.factor) == (4, 2)
    assert problems(folder) == []


def test_words_are_those_of_the_pipeline(folder: Path, model: Bundle) -> None:
    pipe = DiffusionPipeline.from_pretrained(folder)
    more = {} if folder.name == "sdxl" else {"prompt_2": None, "prompt_3": None}
    tokens, null, pooled, no_pooled = pipe.encode_prompt(bases.TEXTS[:1], **more)
    found, found_pooled = unpack(model.embed([bases.TEXTS[0], ""]), model.pooled)
    assert torch.allclose(found, torch.cat([tokens, null]), atol=1e-4)
    assert torch.allclose(found_pooled, torch.cat([pooled, no_pooled]), atol=1e-6)
    assert not torch.allclose(found_pooled[0], found_pooled[1], atol=1e-3)


def test_latents_are_those_of_the_pipeline(folder: Path, model: Bundle) -> None:
    vae = DiffusionPipeline.from_pretrained(folder).vae
    image, shift = torch.rand(2, 4, 32, 32) * 2 - 1, vae.config.shift_factor or 0
    latents = (vae.encode(image).latent_dist.mode() - shift) * vae.config.scaling_factor
    assert torch.allclose(model.encode(image), latents, atol=1e-6)
    decoded = vae.decode(latents / vae.config.scaling_factor + shift).sample
    assert torch.allclose(model.decode(latents), decoded, atol=1e-5)


@pytest.mark.parametrize(
    ("tokens", "pooled"), [((2, 7, 5), (2, 3)), ((2, 7, 5), (2, 12)), ((1, 1, 4), (1, 4))]
)
def test_packed_words_come_apart_again(tokens: tuple[int, ...], pooled: tuple[int, ...]) -> None:
    both: tuple[Tensor, Tensor] = (torch.randn(tokens), torch.randn(pooled))
    found = unpack(pack(*both), pooled[1])
    assert all(torch.equal(x, y) for x, y in zip(found, both, strict=True))
    words = torch.randn(tokens)
    assert torch.equal(unpack(words, 0)[0], words)
    assert unpack(words, 0)[1].shape == (tokens[0], 0)


def test_sdxl_keeps_its_autoencoder_precise() -> None:
    made = families.sdxl().to(CPU, torch.bfloat16)
    assert (made.vae.dtype, made.unet.dtype) == (torch.float32, torch.bfloat16)
    assert made.decode(torch.zeros(1, 4, 16, 16, dtype=torch.bfloat16)).dtype == torch.float32


def test_without_zeros_the_empty_text_is_read(tmp_path: Path) -> None:
    made = families.sdxl()
    made.force_zeros_for_empty_prompt = False
    made.save(tmp_path)
    found = bundle.load(tmp_path).to(CPU).embed(["", "a"])
    assert (found[0] != 0).any()
    made.force_zeros_for_empty_prompt = True
    assert torch.equal(made.to(CPU).embed(["", "a"])[0], torch.zeros_like(found[0]))


def test_every_missing_part_is_named_by_the_check(copied: Path) -> None:
    for part in ("text_encoder_2", "tokenizer_2"):
        shutil.rmtree(copied / part)
    found = problems(copied)
    assert len(found) == 2
    assert all(
        f"{p}: the folder does not exist" in f
        for p, f in zip(("text_encoder_2", "tokenizer_2"), found, strict=True)
    )
    with pytest.raises(InputError, match="_2: cannot be loaded"):
        bundle.load(copied)


def changed(folder: Path, **values: object) -> None:
    """Write other values into the folder's index."""
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_an_unknown_family_is_one_error(copied: Path) -> None:
    changed(copied, _class_name="FluxPipeline")
    (found,) = problems(copied)
    assert "model_index.json: names the pipeline FluxPipeline" in found
    assert "StableDiffusionXLPipeline" in found
    with pytest.raises(InputError, match="names the pipeline FluxPipeline"):
        bundle.load(copied)


@pytest.mark.parametrize("text", ["{}", "[]", "{", ""])
def test_an_index_that_says_nothing(copied: Path, text: str) -> None:
    (copied / "model_index.json").write_text(text)
    (found,) = problems(copied)
    assert "names no pipeline" in found or "is no JSON object" in found


def test_a_config_that_is_none_names_its_file(copied: Path) -> None:
    (copied / "vae" / "config.json").write_text("[1]")
    (copied / "scheduler" / "scheduler_config.json").unlink()
    found = "\n".join(problems(copied))
    assert "vae/config.json: is no JSON object" in found
    assert "scheduler/scheduler_config.json: the file does not exist" in found


def test_a_part_of_another_class_is_named(copied: Path) -> None:
    changed(copied, text_encoder_2=["transformers", "BertModel"])
    (found,) = problems(copied)
    assert "names BertModel as its text_encoder_2" in found
    assert "has CLIPTextModelWithProjection here" in found


def test_a_scheduler_of_another_kind_is_named(copied: Path) -> None:
    changed(copied, scheduler=["diffusers", "EDMDPMSolverMultistepScheduler"])
    (found,) = problems(copied)
    assert "names EDMDPMSolverMultistepScheduler as its scheduler" in found


def test_a_schedule_that_depends_on_the_size_is_named(copied: Path) -> None:
    file = copied / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"use_dynamic_shifting": True}))
    (found,) = problems(copied)
    assert "scheduler_config.json: use_dynamic_shifting: its steps depend on the size" in found


def test_tiles_must_be_whole_cells(folder: Path, model: Bundle) -> None:
    (found,) = problems(folder, 33)
    assert found.startswith(f"tile.size: 33 is no multiple of {model.cell}")


def test_stable_diffusion_3_can_do_without_t5(tmp_path: Path) -> None:
    families.sd3(t5=False).save(tmp_path)
    assert problems(tmp_path) == []
    found = bundle.load(tmp_path).to(CPU).embed(["a river"])
    assert not found[:, 77:-1].any()
    pipe = DiffusionPipeline.from_pretrained(tmp_path, text_encoder_3=None, tokenizer_3=None)
    tokens, _, pooled, _ = pipe.encode_prompt("a river", None, None)
    assert torch.allclose(found, pack(tokens, pooled), atol=1e-5)


def test_a_part_that_is_named_must_be_there(tmp_path: Path) -> None:
    families.sd3().save(tmp_path)
    shutil.rmtree(tmp_path / "text_encoder_3")
    (found,) = problems(tmp_path)
    assert found.startswith(f"{tmp_path}/text_encoder_3: the folder does not exist")
    assert "or take text_encoder_3 out of model_index.json" in found
    changed(tmp_path, text_encoder_3=[None, None])
    assert "text_encoder_3 is left out, tokenizer_3 is not" in problems(tmp_path)[0]
    changed(tmp_path, tokenizer_3=[None, None])
    assert problems(tmp_path) == []


def test_flow_matching_needs_a_schedule_of_flows(tmp_path: Path) -> None:
    families.sd3().save(tmp_path)
    changed(tmp_path, scheduler=["diffusers", "DDPMScheduler"])
    (found,) = problems(tmp_path)
    assert "names DDPMScheduler as its scheduler, but StableDiffusion3Pipeline has FlowMatchEuler" in found


def test_training_needs_no_text_encoders(folder: Path) -> None:
    found = bundle.load(folder, words=False).to(CPU)
    assert all(part is None for name, part in found.parts.items() if name.startswith(bundle.WORDS))
    assert found.time == bundle.load(folder).time

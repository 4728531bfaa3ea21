import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding

from landloom import provenance
from landloom.stages.image_train import stem
from tests import bases
from tests.stages.conftest import IMAGE, outputs, run


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
    assert (found["stage"], found["sha256"]) == ("image_train", provenance.digest(controlnet))
    assert found["inputs"][str(base)] == provenance.digest(base)


def test_same_seed_same_bytes(controlnet: Path, image_job: dict[str, Any], tmp_path: Path) -> None:
    assert provenance.digest(run("image_train", image_job, tmp_path)) == provenance.digest(controlnet)


def test_killed_it_ends_the_same(controlnet: Path, image_job: dict[str, Any], tmp_path: Path) -> None:
    job = image_job | outputs("image_train", tmp_path)
    assert bases.interrupted("image_train", signal.SIGKILL, "checkpoint.pt", **job) == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert 0 < torch.load(next(tmp_path.rglob("checkpoint.pt")))["step"] < IMAGE.steps
    assert provenance.digest(run("image_train", image_job, tmp_path)) == provenance.digest(controlnet)


def test_the_stems_widths_can_be_set(image_job: dict[str, Any], tmp_path: Path) -> None:
    config = IMAGE.model_copy(update={"steps": 1, "channels": (4, 12)})
    out = run("image_train", image_job | {"config": config}, tmp_path)
    assert ControlNetModel.load_config(out)["conditioning_embedding_out_channels"] == [4, 12]

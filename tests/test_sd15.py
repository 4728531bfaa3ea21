"""A base of Stable Diffusion 1.5's size, with random weights, through every stage that loads it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from landloom.config.base import BaseConfig
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig, ProportionLoss
from landloom.data import samples
from landloom.models import scratch
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.provenance.records import peak_memory_mb
from landloom.runtime import command_line
from tests import shards
from tests.bases import execute

SIDE = 64
LOADED = """
import sys
import torch
from diffusers import ControlNetModel, StableDiffusionPipeline

pipe = StableDiffusionPipeline.from_pretrained(sys.argv[1], torch_dtype=torch.bfloat16)
pipe.load_lora_weights(sys.argv[2])
made = pipe("a", num_inference_steps=1, height=64, width=64, output_type="np").images
assert made.shape == (1, 64, 64, 3)
assert ControlNetModel.from_pretrained(sys.argv[3]).config.conditioning_channels == 3
assert "landloom" not in sys.modules
"""


def model() -> StableDiffusion:
    """Stable Diffusion 1.5's layers with random weights; the words are the project's own."""
    torch.manual_seed(0)
    words = scratch.tokenizer(["satellite image, 50% a, 30% b, 20% c"])
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
        num_attention_heads=12, max_position_embeddings=77, bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    return StableDiffusion(
        vae=AutoencoderKL(
            in_channels=3, out_channels=3, block_out_channels=(128, 256, 512, 512), layers_per_block=2,
            latent_channels=4, down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4, sample_size=512,
        ),
        unet=UNet2DConditionModel(
            sample_size=64, block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=768,
            attention_head_dim=8,
        ),
        text_encoder=CLIPTextModel(text), tokenizer=words,
        scheduler=DDPMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
            steps_offset=1,
        ),
    )  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """The model on disk; gigabytes, so everything goes when the test is over."""
    model().save(tmp_path / "model")
    yield tmp_path / "model"
    for path in tmp_path.iterdir():
        command_line.remove(path)


@pytest.mark.slow
def test_a_model_of_full_size_goes_through_every_stage(source: Path) -> None:
    folder = source.parent
    statistics = {"statistics": shards.statistics(folder, SIDE)}
    rng = np.random.default_rng(0)
    tile = shards.sample("t0", rng, shards.mask(rng, SIDE))
    tile.image = shards.codec.encode(shards.image(tile.mask_array(), rng))
    samples.write(folder / "tiles.parquet", [tile])
    execute(
        "caption", config="{}", **statistics, tiles=folder / "tiles.parquet", out=folder / "words.parquet"
    )
    request = {"id": "s0", "shard": 0, "mix": "m", "prompt": "map", "caption": "image", "seed": 1}
    pd.DataFrame([request | {"target_ratios": tile.ratios}]).to_parquet(folder / "plan.parquet")

    data = {"tiles": folder / "tiles.parquet", "captions": folder / "words.parquet"}
    base, lora, control, latents = (folder / n for n in ("base", "lora", "controlnet", "latents.safetensors"))
    metrics = {"vae_metrics": folder / "vae.jsonl", "unet_metrics": folder / "unet.jsonl"}
    state = {"state": folder / "state", "metrics": folder / "metrics.jsonl"}
    execute(
        "base", config=BaseConfig(source=str(source)), seed=0, **statistics, **data, **metrics,
        state=folder / "state", out=base,
    )  # fmt: skip
    execute("encode", config=EncodeConfig(augment="none"), **statistics, base=base, **data, out=latents)
    label = LabelTrainConfig(steps=1, batch=1, proportion=ProportionLoss(probe_steps=1))
    for name, config, out in (
        ("label_train", label, lora), ("image_train", ImageTrainConfig(steps=1, batch=1), control),
    ):  # fmt: skip
        execute(name, config=config, seed=0, **statistics, base=base, latents=[latents], **state, out=out)
        command_line.remove(folder / "state")  # a checkpoint of the ControlNet alone is 4 GB
    sampled = {"masks": folder / "masks.parquet"}
    job = {"plan": folder / "plan.parquet", "tiles": [data["tiles"]], "base": base, "model": lora}
    execute(
        "label_sample",
        config='{"steps": 2}',
        generator="g",
        shard=0,
        **statistics,
        **job,
        out=sampled["masks"],
    )
    pair = {
        "base": base,
        "controlnet": control,
        "out": folder / "pairs.parquet",
        "resamples": folder / "resamples.parquet",
    }
    execute("image_sample", config='{"steps": 2}', **statistics, **sampled, **pair)

    found = next(samples.read(folder / "pairs.parquet"))
    assert found.image_array().shape == (3, SIDE, SIDE)
    assert found.mask_array().shape == (SIDE, SIDE)
    print(json.dumps(peak_memory_mb()))
    assert subprocess.run([sys.executable, "-c", LOADED, base, lora, control], cwd=folder).returncode == 0

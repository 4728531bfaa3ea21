"""The paper's own setting at full size, from check to report.

Stable Diffusion 1.5's layers with random weights, 512 px, Potsdam's file names and codes, captions by a small
Qwen2-VL, then by a server. Only the numbers of steps and samples are small.

    pytest -m slow -s tests/test_rehearsal.py

It takes 12 GB of memory and 25 GB of disk below the temporary folder; docs/benchmarks.md has a run.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import torch
import yaml
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from landloom.data import samples
from landloom.models import scratch
from landloom.training import precision
from tests import chat, rasters, vision
from tests.rasters import ROOT
from tests.test_workflow import environment

POTSDAM: dict[str, Any] = yaml.safe_load((ROOT / "config/potsdam.yaml").read_text())
SCENES = ["2_10", "2_11", "2_12", "2_13"]
"""Two to learn from, one to watch, one to test on; each is two tiles."""
PRECISION = {"precision": "fp32" if precision.emulated() else "bf16"}
"""The config's own, but on CPUs that would take hours for it."""
SMALL: dict[str, Any] = {
    "dataset": "rehearsal",
    "data": {"split": {"val": ["2_12"], "test": ["2_13"]}},
    "base": {"source": "model", "revision": None},
    "tile": {"stride": 512},
    "check": {"free_disk_gb": 20},
    "encode": PRECISION,
    "label_train": PRECISION | {"steps": 2, "batch": 1, "warmup": 1, "proportion": {"probe_steps": 2}},
    "image_train": PRECISION | {"steps": 2, "batch": 1, "warmup": 1},
    "label_sample": PRECISION | {"steps": 2, "batch": 1},
    "image_sample": PRECISION | {"steps": 2, "batch": 1},
    "plan": {"count": 4, "shards": 1},
    "mix": {"ratios": [0.4, 1.0]},
    "curate": {"memory": {"quantile": 0, "share": 1}},
    "segment": PRECISION | {
        "networks": {n: {"weights": None} for n in POTSDAM["segment"]["networks"]},
        "seeds": [0, 1], "steps": 3, "batch": 2, "warmup": 1,
    },
}  # fmt: skip
PLAIN = """
import sys
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline

dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[sys.argv[4]]
control = ControlNetModel.from_pretrained(sys.argv[3], torch_dtype=dtype)
pipe = StableDiffusionControlNetPipeline.from_pretrained(
    sys.argv[1], controlnet=control, torch_dtype=dtype, safety_checker=None
)
pipe.load_lora_weights(sys.argv[2])
hint = torch.rand(1, 6, 64, 64)
made = pipe("a", image=hint, num_inference_steps=1, height=64, width=64, output_type="np").images
assert made.shape == (1, 64, 64, 3)
assert "landloom" not in sys.modules
"""


def stable_diffusion(folder: Path) -> None:
    """Write a pipeline of Stable Diffusion 1.5's layers; its words are byte pairs of one sentence."""
    torch.manual_seed(0)
    words = scratch.tokenizer(["satellite image, 50% building, 30% low vegetation, 20% tree"])
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
        num_attention_heads=12, max_position_embeddings=77, bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    StableDiffusionPipeline(
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
        safety_checker=None, feature_extractor=None, image_encoder=None, requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip


def potsdam(folder: Path) -> None:
    """Scenes of 512 x 1024 px under Potsdam's names, their masks in its colours."""
    colors = [c["values"][0].lstrip("#") for c in POTSDAM["data"]["classes"]]
    palette = np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in colors], np.uint8)
    for i, scene in enumerate(SCENES):
        rng, (row, col) = np.random.default_rng(i), scene.split("_")
        mask = rng.integers(0, len(palette), (8, 16)).repeat(64, 0).repeat(64, 1)
        painted = np.moveaxis(palette[mask], -1, 0)
        image = np.clip(painted * 0.5 + rng.normal(60, 20, painted.shape), 0, 255).astype(np.uint8)
        place = rasterio.Affine(0.05, 0, 366676 + i * 100, 0, -0.05, 5808296)
        for kind, array in (("images", image), ("masks", painted)):
            path = POTSDAM["data"][kind].format(row=row, col=col)
            rasters.save(folder / path, array, crs="EPSG:32633", transform=place)


def snakemake(folder: Path, settings: dict[str, Any], *arguments: str) -> None:
    """Run the shipped config with small numbers laid over it."""
    (folder / "small.yaml").write_text(yaml.safe_dump(settings))
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2",
         "--configfile", str(ROOT / "config/potsdam.yaml"), "small.yaml", *arguments],
        cwd=folder, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0


def captions(folder: Path) -> list[str]:
    """Captions of the train tiles; no model is asked about the others."""
    tables = [pd.read_parquet(folder / f"results/rehearsal/captions/{s}.parquet") for s in SCENES[:2]]
    return [str(c) for table in tables for c in table["caption"]]


def costs(folder: Path) -> pd.DataFrame:
    """Wall time and peak memory of each job, from Snakemake's benchmark files."""
    files = sorted((folder / "logs/rehearsal").rglob("*.tsv"))
    tables = [
        pd.read_csv(f, sep="\t").assign(job=str(f.relative_to(folder / "logs/rehearsal"))) for f in files
    ]
    return pd.concat(tables)[["job", "s", "max_rss"]].sort_values("s", ascending=False)


@pytest.mark.slow
def test_the_papers_setting_runs_from_check_to_report(tmp_path: Path) -> None:
    stable_diffusion(tmp_path / "model")
    potsdam(tmp_path)
    says = "Roofs and roads beside lawns and some trees, seen from above."
    vision.save(tmp_path / "qwen", says, side=56)
    local = {"backend": "qwen_vl", "qwen_vl": {"source": "qwen", "revision": None, "precision": "fp32"}}
    snakemake(tmp_path, SMALL | {"caption": local})
    assert not any(c.startswith("satellite image, ") for c in captions(tmp_path))  # the template's words
    report(tmp_path)
    with chat.ChatServer() as server:
        remote = {"backend": "openai", "endpoint": {"url": server.url, "model": "tiny"}}
        snakemake(
            tmp_path,
            SMALL | {"caption": remote},
            "--",
            *(f"results/rehearsal/captions/{s}.parquet" for s in SCENES),
        )
    assert set(captions(tmp_path)) == {chat.GOOD}


def report(folder: Path) -> None:
    """What a user looks at: pairs, tables with intervals, a page, models that plain pipelines load."""
    root = folder / "results/rehearsal"
    pairs = list(samples.read(sorted((root / "landloom/pairs").glob("*.parquet"))))
    assert {p.image_array().shape for p in pairs} == {(3, 512, 512)}
    gain = pd.read_csv(root / "evaluation/gain.csv")
    assert {"ci_low", "ci_high"} <= set(gain.columns)
    assert (root / "report/index.html").is_file()
    print(costs(folder).to_string(index=False))
    models = [root / "base", root / "landloom/label", root / "landloom/image"]
    arguments = [*map(str, models), PRECISION["precision"]]
    assert subprocess.run([sys.executable, "-c", PLAIN, *arguments], cwd=folder).returncode == 0

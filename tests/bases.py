"""A tiny base model and the data it is trained on: 32 px, four 16-bit bands, three classes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from diffusers import ControlNetModel
from numpy.typing import NDArray
from pydantic import BaseModel
from safetensors.torch import save_file
from torch import Tensor

from landloom import __main__
from landloom.conditions.base import Condition
from landloom.conditions.group import Conditions
from landloom.conditions.text import Text
from landloom.config.base import BaseConfig, UnetConfig, VaeConfig
from landloom.config.caption import CaptionConfig
from landloom.config.encode import EncodeConfig
from landloom.config.run import RunConfig
from landloom.data import samples
from landloom.data.samples import Sample, class_ratios
from landloom.data.statistics import ClassInfo, Statistics
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.latent_cache import LatentCache
from landloom.models import scratch
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from tests.rasters import ROOT

SIDE, BANDS, NAMES = 32, 4, ["forest", "water", "built up"]
VALUES = np.array([[300, 500, 400, 3000], [200, 300, 250, 150], [1500, 1600, 1700, 2000]])
VAE = VaeConfig(channels=(8, 16), latent=4, steps=6, batch=2, warmup=2)
UNET = UnetConfig(
    channels=(16, 32),
    groups=8,
    head=16,
    text_width=32,
    text_layers=1,
    steps=20,
    batch=2,
    warmup=2,
)
EVERY_STEP = RunConfig(log=0, checkpoint=0)
"""Log and save at every step."""
LOGGED = RunConfig(log=0)
"""Log every step; no checkpoint in a minute or two."""
BASE = BaseConfig(augment="flip", threads=1, vae=VAE, unet=UNET)
ENCODE = EncodeConfig(augment="flip")
TEXTS = ["satellite image, 60% forest, 40% water", "segmentation map, 60% forest, 40% water"]


def dataset(size: int = SIDE) -> Statistics:
    """The statistics."""
    colors = ("#1f77b4", "#d62728", "#2ca02c")
    return Statistics(
        name="tiny", size=size, scenes=2,
        classes=[ClassInfo(name=n, color=c) for n, c in zip(NAMES, colors, strict=True)],
        bands=BANDS, dtype="uint16", rgb=[2, 1, 0], low=[0.0] * BANDS, high=[4000.0] * BANDS,
        prior=[0.5, 0.3, 0.2], tiles={"train": 8, "val": 1, "test": 1},
    )  # fmt: skip


def mask(rng: np.random.Generator, size: int = SIDE) -> NDArray[np.uint8]:
    """Random blocks of the classes, with a few ignored pixels."""
    blocks = rng.choice(3, (4, 4), p=[0.5, 0.3, 0.2]).astype(np.uint8)
    found = blocks.repeat(size // 4, 0).repeat(size // 4, 1)
    found[0, :2] = IGNORE
    return found


def tile(name: str, scene: str, split: str, rng: np.random.Generator, size: int = SIDE) -> Sample:
    """A real tile."""
    labels = mask(rng, size)
    values = VALUES[np.where(labels == IGNORE, 0, labels)] + rng.normal(0, 40, (size, size, BANDS))
    image = np.moveaxis(values.clip(0), -1, 0).astype(np.uint16)
    east, south = 10.0 * size * int(name[1:]), 10.0 * size * (scene == "b")  # no ground is shown twice
    place = {"crs": "EPSG:32652", "transform": [10.0, 0.0, 350000 + east, 0.0, -10.0, 3820000 - south]}
    encoded = codec.encode(image, **place)  # type: ignore[arg-type]
    ratios = class_ratios(labels, 3)
    return Sample(
        id=name, mask=codec.encode(labels), image=encoded, scene=scene, split=split, ratios=ratios, **place
    )  # type: ignore[arg-type]


def tiles(folder: Path, size: int = SIDE) -> list[Path]:
    """Two scenes with four train tiles each, and one of val or test."""
    rng, paths = np.random.default_rng(3), []
    for scene, other in (("a", "val"), ("b", "test")):
        rows = [tile(f"{scene}{i}", scene, "train" if i else other, rng, size) for i in range(5)]
        paths.append(folder / f"tiles-{scene}.parquet")
        samples.write(paths[-1], rows, {"classes": NAMES, "dtype": "uint16", "bands": BANDS})
    return paths


def data(folder: Path, size: int = SIDE) -> dict[str, Any]:
    """Card, tiles, captions and ratios on disk, by the names that the stages' options have."""
    statistics, shards = folder / "statistics.json", tiles(folder, size)
    dataset(size).save(statistics)
    captions = [folder / f"captions-{p.stem}.parquet" for p in shards]
    for shard, words in zip(shards, captions, strict=True):
        places = {"state": folder / "state", "out": words, "summary": words.with_suffix(".json")}
        execute("caption", config=CaptionConfig(), statistics=statistics, tiles=shard, **places)
    ratios = ratio_table(folder, [(s.id, s.split, s.ratios) for s in samples.read(shards)])
    return {"statistics": statistics, "tiles": shards, "captions": captions, "ratios": ratios}


def ratio_table(folder: Path, rows: list[tuple[str, str, list[float]]]) -> Path:
    """A table of class ratios as the stage ``ratios`` writes it."""
    path = folder / "ratios.parquet"
    table = [{"id": i, "scene": "s", "split": s} | dict(zip(NAMES, r, strict=True)) for i, s, r in rows]
    pd.DataFrame(table).to_parquet(path, index=False)
    return path


def arguments(**values: Any) -> list[str]:
    """The command line that gives these values to a stage."""
    found: list[str] = []
    for key, value in values.items():
        found += [
            f"--{key.replace('_', '-')}",
            *(map(_text, value) if isinstance(value, list) else [_text(value)]),
        ]
    return found


def _text(value: Any) -> str:
    return value.model_dump_json() if isinstance(value, BaseModel) else str(value)


def execute(stage: str, **values: Any) -> None:
    """Run a stage through its command line."""
    __main__.execute(stage, arguments(**values))


def record(output: Path) -> dict[str, Any]:
    """What is recorded beside an output."""
    found: dict[str, Any] = json.loads(output.with_name(f"{output.name}.prov.json").read_text())
    return found


def bundle(kind: Literal["dc", "kl"] = "dc", seed: int = 0, **unet: Any) -> StableDiffusion:
    """An untrained base."""
    torch.manual_seed(seed)
    vae = VAE.model_copy(update={"kind": kind})
    config = UNET.model_copy(update=unet)
    tokens = scratch.tokenizer(TEXTS)
    made = StableDiffusion(
        vae=scratch.vae(vae, BANDS, SIDE), unet=scratch.unet(config, VAE.latent, SIDE // 2),
        text_encoder=scratch.text_encoder(config, tokens), tokenizer=tokens,
        scheduler=scratch.scheduler(config),
    )  # fmt: skip
    return made.to(torch.device("cpu"))


def denoiser(
    model: StableDiffusion, *more: Condition, words: Tensor | None = None, column: str = "caption",
    dropout: float = 0.1, controlnet: ControlNetModel | None = None,
) -> Denoiser:  # fmt: skip
    """A denoiser that is told words (P, T, D; the model's own empty text when absent) and more."""
    text = Text(model.embed([""]) if words is None else words, column, dropout, embed=model.embed)
    return Denoiser(model, Conditions([text, *more]), controlnet)


def cache(count: int = 4, variants: int = 2) -> LatentCache:
    """Random latents of ``count`` tiles; the texts are the empty one and two others."""
    torch.manual_seed(1)
    side = SIDE // 2
    labels = torch.randint(0, 3, (count, SIDE, SIDE), dtype=torch.uint8)
    shares = [class_ratios(m, 3) for m in labels.numpy()]
    return LatentCache(
        images=torch.randn(count, variants, 4, side, side), masks=torch.randn(count, variants, 4, side, side),
        labels=labels, ratios=torch.tensor(shares), captions=torch.full((count,), 1),
        prompts=torch.full((count,), 2), text=torch.randn(3, 77, 32), ids=[f"t{i}" for i in range(count)],
    )  # fmt: skip


def store(made: LatentCache, path: Path, about: dict[str, str] | None = None) -> Path:
    """Write a cache whose columns are tensors, with more metadata if there is some; returns its file."""
    tensors = {k: v.contiguous() for k, v in vars(made).items() if isinstance(v, Tensor)}
    save_file(tensors | dict(made.more), path, metadata={"ids": json.dumps(made.ids)} | (about or {}))
    return path


def interrupted(stage: str, number: signal.Signals, checkpoint: str, **values: Any) -> int:
    """Run a stage in another process and send it a signal after its checkpoint; returns the exit code."""
    command = [sys.executable, "-m", "landloom", stage, *arguments(**values)]
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 120
    while not any(values["state"].rglob(checkpoint)) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(number)
    return process.wait(60)

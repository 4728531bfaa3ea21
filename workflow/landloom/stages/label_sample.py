"""Masks for the planned class mixes of one shard."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from landloom import samples
from landloom.config.label_sample import LabelSampleConfig
from landloom.dataset import Dataset
from landloom.diffusion import bundle
from landloom.diffusion.sampling import batches, sample
from landloom.raster import codec
from landloom.raster.palette import nearest
from landloom.raster.regions import without_small
from landloom.samples import Sample, class_ratios
from landloom.stage import In, Ins, Out
from landloom.training.loop import device

VERSION = 1


def run(
    config: LabelSampleConfig, generator: str, shard: int, card: In, plan: In, tiles: Ins, out: Out,
    base: In | None = None, lora: In | None = None,
) -> None:  # fmt: skip
    """Write one mask per request: sampled by the LoRA, or the nearest real train mask."""
    dataset = Dataset.load(card)
    table = pd.read_parquet(plan)
    requests = table[table["shard"] == shard]
    if config.source == "real":
        made = from_real(requests, tiles, generator)
    else:
        assert base is not None
        assert lora is not None
        made = from_lora(config, requests, dataset, base, lora, generator)
    samples.write(out, made, {"generator": generator, "classes": dataset.names})


def from_lora(
    config: LabelSampleConfig,
    requests: pd.DataFrame,
    dataset: Dataset,
    base: Path,
    lora: Path,
    generator: str,
) -> Iterator[Sample]:
    """Sample masks with the label LoRA."""
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    model = bundle.load(base)
    model.unet.load_lora_adapter(lora, prefix="unet", local_files_only=True, use_safetensors=True)
    model.to(device(), dtype)
    palette = model.palette(len(dataset.classes))
    empty = model.embed([""])[0]
    for part in batches(len(requests), config.batch):
        rows = requests.iloc[part]
        text = model.embed(list(rows["prompt"]))
        latents = sample(model, text, empty, list(rows["seed"]), config, dataset.size // model.factor)
        with torch.no_grad():
            pictures = model.decode(latents.to(dtype)).float().cpu().numpy()
        for row, picture in zip(rows.to_dict("records"), pictures, strict=True):
            mask, residual = nearest(picture, palette)
            mask = without_small(mask, config.smooth)
            yield Sample(
                id=f"{generator}_{row['id']}", mask=codec.encode(mask), scene=generator, source=generator,
                ratios=class_ratios(mask, len(dataset.classes)), caption=row["caption"], seed=row["seed"],
                target_ratios=[float(x) for x in row["target_ratios"]],
                note=f"mix={row['mix']} residual={residual:.3f}",
            )  # fmt: skip


def from_real(requests: pd.DataFrame, tiles: Sequence[Path], generator: str) -> Iterator[Sample]:
    """The real train tile whose class mix is nearest (L1) to each request; ties by the request's seed."""
    real = list(samples.read(tiles, split="train"))
    mixes = np.array([s.ratios for s in real])
    for row in requests.to_dict("records"):
        gap = np.abs(mixes - row["target_ratios"]).sum(1)
        ties = np.flatnonzero(gap <= gap.min() + 1e-6)
        found = real[ties[row["seed"] % len(ties)]]
        yield Sample(
            id=f"{generator}_{row['id']}", mask=found.mask, image=found.image, scene=generator,
            source=generator,
            crs=found.crs, transform=found.transform, ratios=found.ratios, caption=row["caption"],
            seed=row["seed"], target_ratios=[float(x) for x in row["target_ratios"]], parents=[found.id],
            note=f"mix={row['mix']} real mask",
        )  # fmt: skip

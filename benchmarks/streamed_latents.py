"""ControlNet training on streamed latents: peak memory, resuming, and time of a step beside held ones.

python benchmarks/streamed_latents.py memory [--tiles 12000] [--folder /tmp/latents]
python benchmarks/streamed_latents.py resume [--tiles 12000] [--folder /tmp/latents]
python benchmarks/streamed_latents.py steps [--tiles 64] [--pairs 5] [--held 0.1]

The data are made up, as large as Stable Diffusion 1.5 has them for tiles of 512 px: latents 4 x 64 x 64 in 8
variants, texts 77 x 768, 16 bits; 12,000 tiles take 11 GB of disk. The network is small. ``memory`` runs the
image_train stage with as many rows held as may be, and prints the peak of its resident memory; ``resume``
stops it, lets it go on, and compares the weights with those of a run that was not stopped; ``steps`` prints
the median of ratios of times of some steps, streamed with a share ``held`` of the set in memory, and held;
``--clock cpu`` counts CPU time of all threads, for machines that do other work besides.
"""

import argparse
import json
import os
import resource
import signal
import statistics
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landloom.config.base import UnetConfig, VaeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.run import RunConfig
from landloom.data import held_tiles
from landloom.data.statistics import ClassInfo, Statistics
from landloom.data.tensor_file import Kind, Writer
from landloom.data.tensor_rows import Streamed
from landloom.diffusion import latent_cache
from landloom.diffusion.latent_cache import LatentCache
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import Interrupted
from landloom.models import scratch
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.provenance import records
from landloom.stages import image_train
from landloom.training.loop import train

CLASSES, SIZE, SIDE, VARIANTS, WIDTH = 6, 512, 64, 8, 768
BLOCK = 64
"""Tiles that are made at once; all blocks have the same values."""


def described(tiles: int) -> Statistics:
    """A dataset of six classes and three 8-bit bands."""
    classes = [ClassInfo(name=f"class{i}", color=f"#{i}0{i}0{i}0") for i in range(CLASSES)]
    return Statistics(
        name="made-up", size=SIZE, classes=classes, bands=3, dtype="uint8", rgb=[0, 1, 2], low=[0.0] * 3,
        high=[255.0] * 3, prior=[1 / CLASSES] * CLASSES, cooccurrence=[[1.0] * CLASSES] * CLASSES,
        tiles={"train": tiles, "val": 2, "test": 2}, scenes=3,
    )  # fmt: skip


def base(folder: Path) -> Path:
    """A small untrained base whose latents and texts have the sizes of Stable Diffusion's."""
    torch.manual_seed(0)
    vae, unet = VaeConfig(channels=(8, 8, 8, 8)), UnetConfig(channels=(32, 64), text_width=WIDTH)
    tokens = scratch.tokenizer(["a river", "a road"] * 4)
    StableDiffusion(
        vae=scratch.vae(vae, 3, SIZE), unet=scratch.unet(unet, vae.latent, SIDE),
        text_encoder=scratch.text_encoder(unet, tokens), tokenizer=tokens, scheduler=scratch.scheduler(unet),
    ).save(folder)  # fmt: skip
    return folder


def made_up(path: Path, tiles: int) -> Path:
    """A latent cache, written a block at a time; each tile has its own caption."""
    torch.manual_seed(0)
    latents = (VARIANTS, 4, SIDE, SIDE)
    block = {
        "images": torch.randn(BLOCK, *latents).bfloat16(),
        "labels": torch.randint(0, CLASSES, (BLOCK, SIZE, SIZE), dtype=torch.uint8),
        "ratios": torch.full((BLOCK, CLASSES), 1 / CLASSES),
        "text": torch.randn(BLOCK, 77, WIDTH).bfloat16(),
    }
    kinds = {name: Kind(rows.dtype, (tiles, *rows.shape[1:])) for name, rows in block.items()}
    kinds |= {"masks": kinds["images"], "captions": Kind(torch.long, (tiles,))}
    kinds["prompts"] = kinds["captions"]
    with Writer(path, kinds, {"ids": json.dumps([f"t{i}" for i in range(tiles)])}) as file:
        for start in range(0, tiles, BLOCK):
            for name in kinds:
                rows = block.get({"masks": "images"}.get(name, name), torch.arange(start, start + BLOCK))
                file.add(name, rows[: tiles - start])
    return path


def data(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Inputs of the stage, made if they are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"statistics": folder / "statistics.json", "base": folder / "base"}
    latents = folder / f"{given.tiles}.safetensors"
    if not latents.exists():
        made_up(latents, given.tiles)
        base(found["base"])
        described(given.tiles).save(found["statistics"])
    print(f"latents of {given.tiles} tiles: {latents.stat().st_size / 1e9:.2f} GB, so far {_peak():.2f} GB")
    return found | {"latents": [latents]}


def trained(given: argparse.Namespace, inputs: dict[str, Any], folder: Path) -> Path:
    """Run the stage in a folder."""
    config = ImageTrainConfig(steps=given.steps, batch=given.batch, warmup=1)
    own = {"state": folder / "state", "out": folder / "out", "metrics": folder / "metrics.jsonl"}
    image_train.run(config=config, seed=0, run=RunConfig(), **inputs, **own)
    return folder / "out"


def filled(paths: Sequence[Path], latents: Collection[str]) -> LatentCache:
    """A cache that holds as many rows as it may from the start, as after many steps."""
    found = PLAIN(paths, latents)
    for name, rows in {"latents": found.images, "texts": found.text, **found.columns}.items():
        if isinstance(rows, Streamed):
            held = rows.held
            for start in range(0, min(held.capacity, len(held)), 16):
                held.__getitems__(range(start, min(start + 16, len(held))))
            print(f"{name}: {len(held.held)} rows held of {len(held)}, now {_peak():.2f} GB")
    return found


PLAIN = latent_cache.load


def memory(given: argparse.Namespace, inputs: dict[str, Any], folder: Path) -> None:
    """Print the peak of resident memory while the stage runs."""
    latent_cache.load = filled
    trained(given, inputs, folder)
    print(f"{given.tiles} tiles, {given.steps} steps of {given.batch}: peak {_peak():.2f} GB")


def resume(given: argparse.Namespace, inputs: dict[str, Any], folder: Path) -> None:
    """Print whether a run that was stopped by SIGTERM ends at the same weights."""
    whole = records.digest(trained(given, inputs, folder / "whole"))
    plain, steps = DenoisingObjective.loss, 0

    def stopped(self: DenoisingObjective, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        nonlocal steps
        steps += 1
        if steps == given.steps // 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, module, index)

    DenoisingObjective.loss = stopped  # type: ignore[method-assign]
    try:
        trained(given, inputs, folder / "stopped")
    except Interrupted:
        print(f"stopped in step {steps}")
    same = records.digest(trained(given, inputs, folder / "stopped")) == whole
    print(f"{given.tiles} tiles: {'the same weights' if same else 'OTHER WEIGHTS'}, peak {_peak():.2f} GB")


def seconds(given: argparse.Namespace, inputs: dict[str, Any], size: int) -> float:
    """Time of the steps of a run that may hold so many bytes; loading is left out."""
    held_tiles.HELD_BYTES = size
    clock, taken = time.process_time if given.clock == "cpu" else time.perf_counter, 0.0

    def timed(*own: Any) -> None:
        nonlocal taken
        start = clock()
        train(*own)
        taken = clock() - start

    image_train.train = timed
    with tempfile.TemporaryDirectory() as folder:
        trained(given, inputs, Path(folder))
    return taken


def pairs(given: argparse.Namespace, inputs: dict[str, Any], folder: Path) -> None:
    """Print the times of interleaved pairs and the median of their ratios."""
    whole = 10**12
    streamed = int(given.held * inputs["latents"][0].stat().st_size)
    ratios = []
    for pair in range(given.pairs):
        order = [whole, streamed] if pair % 2 == 0 else [streamed, whole]
        found = {size: seconds(given, inputs, size) for size in order}
        ratios.append(found[streamed] / found[whole])
        print(f"held {found[whole]:.2f} s, streamed {found[streamed]:.2f} s, x{ratios[-1]:.3f}")
    print(f"median x{statistics.median(ratios):.3f}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["memory", "resume", "steps"])
    for name, value in {"tiles": 12000, "steps": 8, "batch": 2, "pairs": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--held", type=float, default=0.1)
    parser.add_argument("--folder", type=Path, help="keeps the data, for the next call")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        inputs = data(given, given.folder or Path(folder) / "data")
        {"memory": memory, "resume": resume, "steps": pairs}[given.what](given, inputs, Path(folder))


if __name__ == "__main__":
    main()

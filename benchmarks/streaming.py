"""Streamed tiles beside tiles in memory: time of a training step, and peak memory of the whole stage.

python benchmarks/streaming.py steps [--size 512] [--tiles 48] [--held 12] [--pairs 5]
python benchmarks/streaming.py memory [--size 512] [--tiles 12000]
python benchmarks/streaming.py resume [--size 512] [--tiles 12000]

``steps`` trains the same steps from tiles in memory and from streamed ones, in turns, and prints the median
of the ratios; ``--clock cpu`` counts CPU time of all threads, for machines that do other work besides.
``memory`` runs the segment stage on repeated tiles, with as many held as may be, and prints the peak of its
resident memory. ``resume`` stops it by SIGTERM half-way and says whether it ends at the same weights.
"""

import argparse
import os
import resource
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landloom.config.mix import MixConfig
from landloom.config.run import DEFAULT
from landloom.config.segment import Network, SegmentConfig
from landloom.data import sample_index, samples
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo, Statistics
from landloom.data.tile_dataset import TileDataset
from landloom.errors import Interrupted
from landloom.provenance.records import digest
from landloom.raster import codec
from landloom.segmentation import networks
from landloom.segmentation.objective import SegmentationObjective
from landloom.stages import mix, segment
from landloom.training.loop import train

NETWORK = Network(architecture="Unet", encoder="resnet18")
CLASSES = ["#c82828", "#28c828", "#2828c8"]


def described(size: int, tiles: int) -> Statistics:
    """A dataset of three classes and three 8-bit bands."""
    classes = [ClassInfo(name=c[1:], color=c) for c in CLASSES]
    return Statistics(
        name="made-up", size=size, classes=classes, bands=3, dtype="uint8", rgb=[0, 1, 2], low=[0.0] * 3,
        high=[255.0] * 3, prior=[0.4, 0.3, 0.3],
        tiles={"train": tiles, "val": 2, "test": 2}, scenes=3,
    )  # fmt: skip


def made_up(size: int, count: int) -> Iterator[Sample]:
    """Train tiles that repeat the pixels of eight, and two tiles of val and test each; PNGs barely shrink."""
    rng, cell = np.random.default_rng(0), size // 8
    first = []
    for i in range(8):
        mask = rng.integers(0, 3, (8, 8)).repeat(cell, 0).repeat(cell, 1).astype(np.uint8)
        image = np.clip(60 * mask + rng.normal(40, 12, (3, size, size)), 0, 255).astype(np.uint8)
        first.append(Sample(str(i), codec.encode(mask), codec.encode(image), ratios=[0.4, 0.3, 0.3]))
    for i in range(count):
        yield replace(first[i % 8], id=f"t{i}", scene="train", col=i * size)
    for i, split in enumerate(["val", "val", "test", "test"]):
        yield replace(first[i], id=f"{split}{i}", scene=split, col=i * size, split=split)


def seconds(given: argparse.Namespace, shard: Path, capacity: int | None) -> float:
    """Time of some steps, loading left out."""
    places = [p for p in sample_index.located([shard]) if p.id.startswith("t")][: given.tiles]
    tiles = TileDataset(places, described(given.size, given.tiles), capacity=capacity)
    torch.manual_seed(0)
    model = networks.build(NETWORK, 3, len(CLASSES))
    objective = SegmentationObjective(model, tiles, torch.ones(len(CLASSES)), "d4")
    config = SegmentConfig(networks={"a": NETWORK}, steps=given.steps, batch=given.batch, warmup=1)
    clock = time.process_time if given.clock == "cpu" else time.perf_counter
    start = clock()
    with tempfile.TemporaryDirectory() as state:
        train(objective, config, DEFAULT, 0, Path(state), "streamed" if capacity else "memory")
    return clock() - start


def steps(given: argparse.Namespace, folder: Path) -> None:
    """Print the times of interleaved pairs and the median of their ratios."""
    samples.write(folder / "a.parquet", made_up(given.size, given.tiles))
    seconds(given, folder / "a.parquet", None)  # warms up
    ratios = []
    for pair in range(given.pairs):
        order = [None, given.held] if pair % 2 == 0 else [given.held, None]
        found = {capacity: seconds(given, folder / "a.parquet", capacity) for capacity in order}
        ratios.append(found[given.held] / found[None])
        print(f"in memory {found[None]:.2f} s, streamed {found[given.held]:.2f} s, x{ratios[-1]:.3f}")
    print(f"median x{statistics.median(ratios):.3f}")


class Filled(TileDataset):
    """Holds as many tiles as it may from the start, as after many steps."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        for start in range(0, min(self.capacity, len(self)), 16):
            self.__getitems__(range(start, start + 16))
        print(f"{len(self.held)} tiles held of {len(self)}")


def prepared(given: argparse.Namespace, folder: Path) -> Callable[[str], Path]:
    """Write made-up tiles; returns what runs segment on them and answers with the model's folder."""
    shard, about = folder / "a.parquet", folder / "statistics.json"
    samples.write(shard, made_up(given.size, given.tiles))
    described(given.size, given.tiles).save(about)
    mix.run(MixConfig(), 0.0, 0, [shard], [], folder / "mix.parquet")
    print(f"shard {shard.stat().st_size / 1e9:.2f} GB, before segment {_peak():.2f} GB")
    config = SegmentConfig(networks={"a": NETWORK}, steps=given.steps, batch=given.batch, warmup=1)

    def run(name: str) -> Path:
        segment.run(
            config, "a", "real", 0.0, 0, about, folder / "mix.parquet", [shard], [], folder / name / "state",
            folder / name / "out", folder / name / "metrics.jsonl",
        )  # fmt: skip
        return folder / name / "out/model"

    return run


def memory(given: argparse.Namespace, folder: Path) -> None:
    """Print the peak of resident memory while the segment stage runs."""
    run = prepared(given, folder)
    segment.TileDataset = Filled  # type: ignore[misc]
    run("filled")
    print(f"{given.tiles} tiles of {given.size} px, {given.steps} steps: peak {_peak():.2f} GB")


def resume(given: argparse.Namespace, folder: Path) -> None:
    """Print whether a run that was stopped by SIGTERM ends at the same weights."""
    run = prepared(given, folder)
    whole, plain, done = digest(run("whole")), SegmentationObjective.loss, 0

    def stopped(self: SegmentationObjective, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        nonlocal done
        done += 1
        if done == given.steps // 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, module, index)

    SegmentationObjective.loss = stopped  # type: ignore[method-assign]
    try:
        run("stopped")
    except Interrupted:
        print(f"stopped in step {done}")
    same = digest(run("stopped")) == whole
    print(f"{given.tiles} tiles: {'the same weights' if same else 'OTHER WEIGHTS'}, peak {_peak():.2f} GB")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["steps", "memory", "resume"])
    for name, value in {"size": 512, "tiles": 48, "held": 12, "pairs": 5, "steps": 12, "batch": 4}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        {"steps": steps, "memory": memory, "resume": resume}[given.what](given, Path(folder))


if __name__ == "__main__":
    main()

"""Training a segmentation network, against a plain loop with segmentation-models-pytorch and a DataLoader.

python benchmarks/segmentation_steps.py [--steps 12] [--pairs 5]

The plain loop opens the PNG files of a batch at every step, without worker processes, as a DataLoader does by
itself; torch's loss ignores pixels without a class. Network, batches, rates and losses are the same.
"""

import argparse
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import machine
import numpy as np
import torch
import torch.nn.functional as F
from bench_base import CLASSES, COUNT, SIDE, THREADS, back, copied, pixels, png, scaled
from comparison import interleaved, report
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from landloom.config.run import RunConfig
from landloom.config.segment import Network
from landloom.config.training import Training
from landloom.data import samples
from landloom.data.sample_index import located
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo, Statistics
from landloom.data.tile_dataset import TileDataset
from landloom.segmentation import networks
from landloom.segmentation.objective import SegmentationObjective
from landloom.training.loop import batch_index, device, learning_rate, step_seed, train

BATCH = 8
QUIET = RunConfig(log=1e9, checkpoint=1e9)


class Files(Dataset[tuple[Tensor, Tensor]]):
    """Images and masks in PNG files."""

    def __init__(self, images: list[bytes], masks: list[bytes]) -> None:
        self.images, self.masks = images, masks

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        mask = np.asarray(Image.open(io.BytesIO(self.masks[i])))
        return scaled(self.images[i]), torch.from_numpy(mask.astype(np.int64))


def ours(model: nn.Module, folder: Path, config: Training) -> Callable[[], float]:
    """Our loop over a shard."""
    colors = [f"#{40 * i:02x}0000" for i in range(CLASSES)]
    dataset = Statistics(
        name="made-up", size=SIDE, classes=[ClassInfo(name=c[1:], color=c) for c in colors], bands=3,
        dtype="uint8", rgb=[0, 1, 2], low=[0.0] * 3, high=[255.0] * 3, prior=[1 / CLASSES] * CLASSES,
        tiles={"train": COUNT}, scenes=1,
    )  # fmt: skip
    places = located([folder / "tiles.parquet"])
    before = copied(model)

    def run() -> float:
        back(model, before)
        objective = SegmentationObjective(model, TileDataset(places, dataset), torch.ones(CLASSES), "none")
        with tempfile.TemporaryDirectory() as state:
            train(objective, config, QUIET, 0, Path(state), "segment")
            return float(json.loads((Path(state) / "metrics.jsonl").read_text().splitlines()[-1])["loss"])

    return run


def theirs(model: nn.Module, files: Files, config: Training) -> Callable[[], float]:
    """A plain loop."""
    before = copied(model)

    def run() -> float:
        back(model, before)
        model.train()
        optimizer, last = torch.optim.AdamW(model.parameters(), lr=config.lr), 0.0
        batches = [batch_index(0, len(files), config.batch, s).tolist() for s in range(config.steps)]
        for step, (images, masks) in enumerate(DataLoader(files, batch_sampler=batches)):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config, step)
            torch.manual_seed(step_seed(0, step, 0))  # dropout is the same, behind the draw of turns
            torch.randint(0, 1, (len(images),))
            loss = F.cross_entropy(model(images.to(device())), masks.to(device()), ignore_index=255)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            optimizer.step()
            optimizer.zero_grad()
            last = loss.item()
        return last

    return run


def compare(name: str, network: Network, folder: Path, files: Files, steps: int, pairs: int) -> None:
    """One row."""
    torch.manual_seed(0)
    model = networks.build(network, 3, CLASSES).to(device())
    config = Training(steps=steps, batch=BATCH, lr=1e-3, warmup=0)
    sides = ours(model, folder, config), theirs(model, files, config)
    first, second = (side() for side in sides)
    assert abs(first - second) < 0.02 * second, f"losses differ: {first} and {second}"
    ratios, took = interleaved(*sides, pairs)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(BATCH, 3, SIDE, SIDE, device=device())).sum().backward()
    report(
        f"segment_{name}", f"training {network.architecture} of {network.encoder}, batch {BATCH}",
        "smp and a DataLoader", ratios, 1.1, took=took,
        floor=machine.share(counter.get_total_flops() * steps, took),
        reason="Both compute the same network, which is nearly all of the time; what is left to save is "
        "opening files and AdamW. Ours writes a checkpoint at the end, which weighs more here than after "
        "hundreds of steps.",
    )  # fmt: skip


def main() -> None:
    """Measure two networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    images, masks = pixels()
    files = Files(images, [png(m) for m in masks])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = zip(files.masks, files.images, strict=True)
        samples.write(folder / "tiles.parquet", (Sample(f"t{i}", m, f) for i, (m, f) in enumerate(rows)))
        for architecture in ("DeepLabV3Plus", "PSPNet"):
            network = Network(architecture=architecture, encoder="resnet18")
            compare(architecture.lower(), network, folder, files, given.steps, given.pairs)


if __name__ == "__main__":
    main()

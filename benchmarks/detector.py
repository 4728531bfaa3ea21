"""How well a detector of real tiles finds real objects, on images it never saw: folds of NWPU VHR-10.

The folder holds images/ and labels_dota_obb/ (corners in DOTA's format). Images are halved in size, so that a
few minutes of one core are enough; classes in fewer than 15 images are left out.

    python benchmarks/detector.py FOLDER --steps 400 --seeds 0 1 --folds 3
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import torch
from rasterio.enums import Resampling

from landloom.config.detect import DetectConfig, Detector
from landloom.config.run import DEFAULT
from landloom.data import sample_index, samples
from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo, Statistics
from landloom.detection import judgement, networks
from landloom.detection.objective import DetectionObjective
from landloom.detection.tiles import ObjectTiles
from landloom.raster import codec
from landloom.stages import detect
from landloom.training.loop import train

SIZE, SHRINK, LEAST = 192, 2, 15
PACKAGE = Detector(encoder="tu-tf_efficientnet_lite0", weights="package", width=32)


def labels(path: Path) -> list[tuple[str, list[float]]]:
    """Class and corners of each object of an image, in its own pixels."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return [(line[8], [float(v) for v in line[:8]]) for line in lines if len(line) >= 9]


def wanted(folder: Path) -> list[str]:
    """Classes that enough images hold."""
    held = [{c for c, _ in labels(p)} for p in sorted((folder / "labels_dota_obb").glob("*.txt"))]
    return [c for c in sorted(set().union(*held)) if sum(c in h for h in held) >= LEAST]


def tiles(folder: Path, stem: str, names: Sequence[str], split: str) -> list[Sample]:
    """Tiles of an image that overlap by a quarter; what lies outside of it is black."""
    with rasterio.open(folder / f"images/{stem}.jpg") as file:
        shape = (3, file.height // SHRINK, file.width // SHRINK)
        image = file.read(out_shape=shape, resampling=Resampling.average)
    marks = labels(folder / f"labels_dota_obb/{stem}.txt")
    found = [(names.index(c), np.reshape(q, (4, 2)) / SHRINK) for c, q in marks if c in names]
    rows = []
    for row in range(0, max(1, shape[1] - SIZE // 4), SIZE * 3 // 4):
        for col in range(0, max(1, shape[2] - SIZE // 4), SIZE * 3 // 4):
            part = np.zeros((3, SIZE, SIZE), np.uint8)
            cut = image[:, row : row + SIZE, col : col + SIZE]
            part[:, : cut.shape[1], : cut.shape[2]] = cut
            here = [(c, q - [col, row]) for c, q in found]
            inside = [(c, q) for c, q in here if ((q.mean(0) >= 0) & (q.mean(0) < SIZE)).all()]
            objects = [Object(c, q.ravel().tolist()) for c, q in inside]
            name, place = f"{stem}_{row}_{col}", {"scene": stem, "row": row, "col": col, "split": split}
            rows.append(Sample(id=name, image=codec.encode(part), objects=objects, **place))
    return rows


def run(work: Path, dataset: Statistics, config: DetectConfig, seed: int, shards: list[Path]) -> pd.DataFrame:
    """Scores of one detector on the test images."""
    torch.manual_seed(seed)
    names = [c.name for c in dataset.objects or []]
    model = networks.build(config.networks["centre"], 3, names, config.kind or "rotated")
    data = ObjectTiles(sample_index.located(shards[:1]), dataset)
    objective = DetectionObjective(model, data, config.augment)
    train(objective, config, DEFAULT, seed, work / f"state{seed}", f"seed {seed}")
    return judgement.table(detect.judged(model, dataset, shards, "test"), names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--folds", type=int, nargs="+", default=[0], help="which of three to test on")
    given = parser.parse_args()
    names = wanted(given.folder)
    stems = sorted(p.stem for p in (given.folder / "labels_dota_obb").glob("*.txt"))
    order = np.random.default_rng(0).permutation(len(stems)) % 3
    dataset = Statistics(
        name="nwpu", size=SIZE, classes=[], bands=3, dtype="uint8", rgb=[0, 1, 2], low=[0.0] * 3,
        high=[255.0] * 3, prior=[], tiles={}, scenes=len(stems),
        objects=[ClassInfo(name=n, color="#ffffff") for n in names],
    )  # fmt: skip
    config = DetectConfig(
        networks={"centre": PACKAGE}, steps=given.steps, batch=given.batch, lr=2e-3, warmup=20, ema=0.99
    )
    results, began = [], time.process_time()
    for fold in given.folds:
        with tempfile.TemporaryDirectory() as folder:
            work, shards = Path(folder), []
            for split in ("train", "test"):
                chosen = [s for s, f in zip(stems, order, strict=True) if (f == fold) == (split == "test")]
                shards.append(work / f"{split}.parquet")
                samples.write(shards[-1], (t for s in chosen for t in tiles(given.folder, s, names, split)))
            for seed in given.seeds:
                results.append(run(work, dataset, config, seed, shards).assign(fold=fold, seed=seed))
                print(results[-1].to_string(), f"\n{time.process_time() - began:.0f} s of CPU", flush=True)
    table = pd.concat(results)
    print(
        table.groupby("class", sort=False)[["objects", "ap50", "ap"]]
        .agg(["mean", "std"])
        .round(1)
        .to_string()
    )


if __name__ == "__main__":
    main()

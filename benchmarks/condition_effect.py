"""Do conditions have the effect on real data that they should? One command per data set, on two cores.

``LANDLOOM_DATA=/data python benchmarks/condition_effect.py massachusetts`` and ``... korea``.

A small base and a one-step image generator are trained on tiles of 64 pixels. Then masks of held-out tiles
are painted from fixed seeds, and one condition alone is changed.

- massachusetts, ``low_resolution``: PSNR against the tile itself with its own coarse image, with that of
  another tile, and with none.
- korea, ``metadata``: how colours change from September to December, against how those of real tiles do.
  The same after a training on shuffled metadata is the control: nothing may follow then.

``--folder`` keeps what was trained, and trains again what is not there.
"""

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from landloom.conditions.low_resolution import LowResolution
from landloom.config import Config, load
from landloom.config.low_resolution import CoarseConfig
from landloom.config.run import RunConfig
from landloom.data import samples
from landloom.data.samples import Meta, Sample
from landloom.data.statistics import Statistics
from landloom.diffusion.images import DiffusionImages
from landloom.runtime import command_line
from landloom.scenes.discovery import divided
from landloom.stages import base, caption, encode, image_train, ratios, tile

SIDE, FACTOR = 64, 8
QUIET = RunConfig(log=60, checkpoint=60)
SECTIONS: dict[str, Any] = {
    "tile": {"size": SIDE, "stride": SIDE},
    "base": {
        "masks": False,
        "vae": {"channels": [16, 32, 64], "latent": 8, "steps": 400, "batch": 4},
        "unet": {"channels": [32, 64], "groups": 8, "steps": 150, "batch": 16, "warmup": 25},
    },
    "label_train": {"backend": "categorical"},  # no mask is generated: none need be learned by the base
    "image_train": {
        "objective": "one_step", "one_step": {"layers": 2, "width": 32}, "init": "small", "unlock": True,
        "steps": 300, "batch": 16, "lr": 1.5e-3, "warmup": 25,
    },
    "image_sample": {"steps": 1, "guidance": 1},
}  # fmt: skip
COLORS = ("#e63c3c", "#f0c83c", "#aadc6e", "#1e6e32", "#285adc")
MONTHS = {"202309": date(2023, 9, 15), "202412": date(2024, 12, 15)}
"""Days of the chips: their names give year and month alone."""
MEASURES = {"red of field": (2, 2), "red of forest": (2, 3), "green of background": (1, 4)}
"""Band (blue, green, red) and class of what is measured."""
FEWEST = 64
"""Pixels of the class that a mask must have to be measured."""


def config(name: str, data: Mapping[str, Any], **more: Mapping[str, Any]) -> Config:
    sections = {k: SECTIONS.get(k, {}) | more.get(k, {}) for k in SECTIONS | more}
    return load({"dataset": name, "data": data} | sections)


class Work:
    """A data set's tiles, base and generators in a folder; what is there is not made again."""

    def __init__(self, folder: Path, found: Config) -> None:
        self.folder, self.config, self.statistics = folder, found, folder / "statistics.json"
        self.tiles, self.words, self.latents = (
            folder / f"{n}" for n in ("tiles.parquet", "words", "latents")
        )
        self.base = folder / "base"

    def prepare(self) -> None:
        """Make all that generators learn from."""
        if self.latents.exists():
            return
        c, state = self.config, self.folder / "state"
        scenes, labels = divided(c.data)
        tile.run(
            c.tile, c.data, [s.name for s in scenes], [labels[s.name] for s in scenes],
            [p for s in scenes for p in s.images], [s.mask for s in scenes if s.mask], self.tiles,
            acquired=[s.acquired or "unknown" for s in scenes],
        )  # fmt: skip
        ratios.run(c.ratios, c.data, c.dataset, [self.tiles], self.folder / "ratios.parquet", self.statistics)
        caption.run(c.caption, self.statistics, self.tiles, state, self.words, self.folder / "words.json")
        self.learn()

    def learn(self) -> None:
        """Train a base on the tiles, and encode them; what is there stays."""
        c, state = self.config, self.folder / "state"
        if not self.base.exists():
            outs = [self.base, *(self.folder / f"{n}.jsonl" for n in ("vae", "unet"))]
            with command_line.atomic(outs) as made:
                base.run(c.base, 0, self.statistics, [self.tiles], [self.words], state, *made, run=QUIET)
        if not self.latents.exists():
            with command_line.atomic([self.latents]) as (out,):
                encode.run(c.encode, self.statistics, self.base, self.tiles, self.words, out, learned=c.base)

    def generator(self, name: str, latents: Path) -> Path:
        """Train an image generator on latents."""
        steps = self.config.image_train.steps
        out = self.folder / f"{name}-{steps}"
        if not out.exists():
            image_train.run(
                self.config.image_train, 0, self.statistics, self.folder / f"state-{out.name}", out,
                self.folder / f"{out.name}.jsonl", base=self.base, latents=[latents], run=QUIET,
            )  # fmt: skip
        return out

    def painter(self, generator: Path) -> DiffusionImages:
        """What makes images with a trained generator."""
        return DiffusionImages(
            self.config.image_sample, Statistics.load(self.statistics), self.base, generator, None
        )


def painted(paint: DiffusionImages, rows: Sequence[Sample], seed: int) -> NDArray[np.float32]:
    """Images (N, C, H, W) in [-1, 1]; each row has its own noise, the same in every call."""
    seeds = [1000 * seed + i for i in range(len(rows))]
    parts = [slice(i, i + 16) for i in range(0, len(rows), 16)]
    return np.concatenate([paint(rows[p], seeds[p], None) for p in parts])


def psnr(made: NDArray[Any], real: NDArray[Any]) -> NDArray[np.float64]:
    """PSNR in dB of each image (N, C, H, W) in [-1, 1]."""
    return 10 * np.log10(4 / ((made - real) ** 2).mean((1, 2, 3)))


def row(name: str, values: Sequence[NDArray[Any]]) -> None:
    """Print mean and spread over tiles, and the spread of the means over seeds, which are ``values``."""
    means = [float(np.mean(v)) for v in values]
    print(f"| {name} | {np.mean(means):.2f} | {np.concatenate([*values]).std():.2f} | {np.ptp(means):.2f} |")


def massachusetts(data: Path, folder: Path, seeds: int, count: int) -> None:
    classes = [
        {"name": n, "values": [i], "color": COLORS[i]} for i, n in enumerate(("other", "road", "building"))
    ]
    found = {
        "images": f"{data}/images/{{scene}}.png", "masks": f"{data}/masks/{{scene}}.png", "classes": classes,
        "split": {"val": ["23429170*"], "test": ["23279080*"]},
    }  # fmt: skip
    coarse = {"low_resolution": {"factor": FACTOR}}
    work = Work(folder, config("massachusetts", found, image_train=coarse, encode=coarse))
    work.prepare()
    paint, dataset = work.painter(work.generator("image", work.latents)), Statistics.load(work.statistics)
    rows = list(samples.read(work.tiles, split="test"))[:count]
    real = np.stack([dataset.scale(r.image_array()) for r in rows])
    # Half of the list further on: never the same crop.
    swapped = [replace(r, image=rows[(i + len(rows) // 2) % len(rows)].image) for i, r in enumerate(rows)]
    told = {"own": rows, "another tile's": swapped, "none": [replace(r, image=None) for r in rows]}
    print(f"\nmassachusetts: PSNR in dB, {len(rows)} held-out tiles of {SIDE} px, factor {FACTOR}\n")
    print("| coarse image | mean | sd over tiles | range over seeds |\n|---|---|---|---|")
    for name, given in told.items():
        row(name, [psnr(painted(paint, given, s), real) for s in range(seeds)])
    own = LowResolution.of(CoarseConfig(factor=FACTOR), dataset, 0.1)
    enlarged = own.module(own.load(rows))[:, :-1].numpy()  # type: ignore[misc]
    row("own, enlarged bilinearly, no generator", [psnr(enlarged, real)])
    latents = paint.model.encode(torch.from_numpy(real))
    with torch.no_grad():
        row("the tile through the autoencoder: the bound", [psnr(paint.model.decode(latents).numpy(), real)])


def korea(data: Path, folder: Path, seeds: int, count: int) -> None:
    images = sorted((data / "images").glob("*.tif"))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scene", "image", "mask", "split", "acquired"])
        for p in images:
            month, number = p.stem.split("_patchN_")
            split = {"0": "val", "1": "test", "2": "test", "3": "test"}.get(number, "train")
            mask = data / "labels" / f"{month}_mask_{number}.tif"
            writer.writerow([p.stem, p, mask, split, MONTHS[month].isoformat()])
    names = {"building": 10, "road": 30, "field": 50, "forest": 70, "background": 100}
    classes = [
        {"name": n, "values": [v], "color": c} for (n, v), c in zip(names.items(), COLORS, strict=True)
    ]
    found = {
        "manifest": f"{folder}/manifest.csv",
        "classes": classes,
        "rgb": [3, 2, 1],
        "split": {"by": "manifest"},
    }
    # The discriminator does not see metadata: the colours of a season are learned from L1 alone.
    own = {"metadata": {"hidden": 0.1}, "one_step": {"layers": 2, "width": 32, "l1": 20}}
    work = Work(folder, config("korea", found, image_train=own))
    work.prepare()
    rows = list(samples.read(work.tiles, split="test"))
    rows = rows[:: max(1, len(rows) // count)][:count]
    shuffled = shuffle(work.latents, folder / "shuffled")
    print(
        f"\nkorea: December minus September in grey levels of 255, {len(rows)} held-out masks x {seeds} seeds"
    )
    print("\n| measure | change | mean | sd | as real tiles | n |\n|---|---|---|---|---|---|")
    real = {name: truth(work.tiles, *m) for name, m in MEASURES.items()}
    for name, (difference, tiles) in real.items():
        print(f"| {name} | real train tiles | {difference:+.1f} | | | {tiles} |")
    for title, latents in (("", work.latents), (", trained on shuffled metadata", shuffled)):
        paint = work.painter(work.generator(f"image-{latents.name}", latents))
        for change, pair in changes(work.tiles).items():
            made = [
                [paint.dataset.unscale(painted(paint, [replace(r, meta=m) for r in rows], s)) for m in pair]
                for s in range(seeds)
            ]
            for name, m in MEASURES.items():
                report(name, change + title, real[name][0], list(differences(rows, made, *m)))


def shuffle(latents: Path, out: Path) -> Path:
    """Latents whose metadata belong to other tiles."""
    parts = load_file(latents)
    order = torch.randperm(len(parts["metadata"]), generator=torch.Generator().manual_seed(0))
    with safe_open(latents, "pt") as file:
        save_file(parts | {"metadata": parts["metadata"][order]}, out, file.metadata())
    return out


def changes(tiles: Path) -> dict[str, tuple[Meta, Meta]]:
    """What is told first and second, all else unknown.

    All places lie within half a degree: their numbers differ by 0.005, so little can follow from them.
    """
    first, second = MONTHS.values()
    found = samples.columns([tiles], ["split", "meta"])
    known = [m for m, split in zip(found["meta"], found["split"], strict=True) if split == "train"]
    where = [
        Meta(*(float(np.mean([getattr(m, k) for m in known if m.acquired == d])) for k in ("lon", "lat")))
        for d in (first, second)
    ]
    return {"date": (Meta(acquired=first), Meta(acquired=second)), "place": (where[0], where[1])}


def mean_of(image: NDArray[Any], mask: NDArray[Any], band: int, label: int) -> float:
    """Mean of a band (C, H, W) where the mask has a class; NaN where it is rare."""
    there = mask == label
    return float(image[band][there].mean()) if there.sum() >= FEWEST else float("nan")


def truth(tiles: Path, band: int, label: int) -> tuple[float, int]:
    """December minus September over real train tiles, and how many there are."""
    found: dict[date, list[float]] = {d: [] for d in MONTHS.values()}
    for s in samples.read(tiles, split="train"):
        assert s.meta is not None
        assert s.meta.acquired is not None
        found[s.meta.acquired].append(mean_of(s.image_array(), s.mask_array(), band, label))
    first, second = (np.array(v) for v in found.values())
    return float(np.nanmean(second) - np.nanmean(first)), int(np.isfinite([*first, *second]).sum())


def differences(
    rows: Sequence[Sample], made: Sequence[Sequence[NDArray[Any]]], band: int, label: int
) -> Iterator[float]:
    """Second minus first image of each mask with the class, from each seed."""
    for before, after in made:
        for sample, a, b in zip(rows, before, after, strict=True):
            mask = sample.mask_array()
            if (mask == label).sum() >= FEWEST:
                yield mean_of(b, mask, band, label) - mean_of(a, mask, band, label)


def report(name: str, change: str, real: float, found: Sequence[float]) -> None:
    right = float(np.mean(np.sign(found) == np.sign(real)))
    print(f"| {name} | {change} | {np.mean(found):+.1f} | {np.std(found):.1f} | {right:.0%} | {len(found)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = {"massachusetts": (massachusetts, "massachusetts"), "korea": (korea, "s2-korea")}
    parser.add_argument("data", choices=known)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=64, help="held-out tiles")
    parser.add_argument(
        "--steps", type=int, default=SECTIONS["image_train"]["steps"], help="of the generator"
    )
    parser.add_argument("--threads", type=int, default=2, help="fewer on a busy machine")
    given = parser.parse_args()
    measure, name = known[given.data]
    data = Path(os.environ.get("LANDLOOM_DATA", "")) / name
    if "LANDLOOM_DATA" not in os.environ or not data.is_dir():
        sys.exit(f"skipped: there is no folder {name} in LANDLOOM_DATA, which names the folder of data sets")
    SECTIONS["image_train"]["steps"] = given.steps
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measure(data.resolve(), folder.resolve(), given.seeds, given.count)


if __name__ == "__main__":
    main()

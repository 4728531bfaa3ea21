"""Do images follow the other days of their place? One command per series, on one core.

``LANDLOOM_DATA=/data python benchmarks/temporal.py naip`` (five years of one quarter quad, 5 m) and
``... peru`` (Landsat, eight dates).

The last day is held out in time: no training sees it, as image or as another day. Tiles are held out in
place: blocks that training sees at no day. The model makes the last day of these blocks from the days before.
Its mean of 16 samples, and one sample, stand beside what costs nothing: the nearest day, that day with the
true mean and spread of each band (which no one knows beforehand), mean and median of the days, a linear
trend. The mask says nothing: its two classes are the halves of the scene.

``--folder`` keeps what was trained, and trains again what is not there.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from condition_effect import SECTIONS, Work, config, painted
from numpy.typing import NDArray
from torchmetrics.functional.image import structural_similarity_index_measure

from landloom.data import dates, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.diffusion.images import DiffusionImages
from landloom.orchestration.dag import Dag
from landloom.stages import caption, ratios, tile

SIDE, BLOCK, STRIDE = 64, 128, 64
SERIES = {
    "naip": "multispectral/naip-multiyear",
    "peru": "multispectral/landsat-peru-series",
}
"""Folder of each series; names of files end in the day, or are the year, whose middle is taken."""
OWN = {
    "base": {
        "vae": {"channels": [16, 32, 64], "latent": 16, "steps": 500, "batch": 4},
        "unet": {"channels": [32, 64], "groups": 8, "steps": 60, "batch": 16, "warmup": 10},
    },
    "image_train": {
        "one_step": {"layers": 2, "width": 32, "l1": 20},
        "metadata": {}, "dates": {"dropout": 0.1, "stem": 16},
    },
    "encode": {"dates": {}},
}  # fmt: skip
SAMPLES = 16
CHANGED = 0.2
"""Share of pixels that count as those that changed most, by the nearest day."""


def halves(image: Path, out: Path) -> None:
    """A mask that says nothing of the image: its left and its right half."""
    with rasterio.open(image) as file:
        profile = file.profile | {"count": 1, "dtype": "uint8", "nodata": None}
        mask = np.ones((1, *file.shape), np.uint8)
    mask[:, :, mask.shape[2] // 2 :] = 2
    with rasterio.open(out, "w", **profile) as file:
        file.write(mask)


def day(image: Path) -> str:
    """The day of an image, by its name."""
    text = image.stem[-8:]
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else f"{text}-07-01"


def sections(name: str, images: Sequence[Path], folder: Path) -> Mapping[str, Any]:
    """The section ``data`` of a series."""
    scenes = [
        {
            "name": p.stem, "images": [str(p)], "mask": str(folder / f"{p.stem}-mask.tif"), "place": name,
            "acquired": day(p),
        }
        for p in images
    ]  # fmt: skip
    classes = [{"name": n, "values": [i], "color": f"#{i}{i}0000"} for i, n in ((1, "left"), (2, "right"))]
    split = {"by": "block", "block": BLOCK, "val": 0.05, "test": 0.2}
    return {"scenes": scenes, "classes": classes, "split": split}


def cut(found: Any, out: Path, only: str | None = None) -> None:
    """The tiles of a series, or of one scene of it, with its other days, as the workflow cuts them."""
    dag = Dag(found)
    scenes = list(dag.scenes.values())
    own = [s for s in scenes if only in (None, s.name)]
    tile.run(
        found.tile, found.data, [s.name for s in own], [dag.splits[s.name] for s in own],
        [p for s in own for p in s.images], [s.mask for s in own if s.mask], out,
        acquired=[str(s.acquired) for s in own], place=[str(s.place) for s in own],
        reference=[p for s in scenes for p in s.images], reference_scene=[s.name for s in scenes],
        reference_place=[str(s.place) for s in scenes], reference_acquired=[str(s.acquired) for s in scenes],
    )  # fmt: skip


class SeriesWork(Work):
    """A series: what is learned from all days but the last."""

    def cut(self) -> None:
        """Cut the tiles, and count them."""
        c, state = self.config, self.folder / "state"
        if not self.tiles.exists():
            cut(c, self.tiles)
            table = self.folder / "ratios.parquet"
            ratios.run(c.ratios, c.data, c.dataset, [self.tiles], table, self.statistics)
            caption.run(c.caption, self.statistics, self.tiles, state, self.words, self.folder / "words.json")

    def prepare(self) -> None:
        """Make all that the generator learns from."""
        self.learn()


def free(rows: Sequence[Sample], real: NDArray[np.float32], card: Statistics) -> dict[str, NDArray[Any]]:
    """What needs no model: images (N, C, H, W) in [-1, 1] from the other days of each row."""
    found: dict[str, list[NDArray[Any]]] = {}
    for row, truth in zip(rows, real, strict=True):
        assert row.meta is not None
        assert row.meta.acquired is not None
        frames = dates.frames(row)
        days = np.stack([card.scale(f.values) for f in frames])
        time = np.array([(f.acquired - row.meta.acquired).days for f in frames], float)
        near = days[np.abs(time).argmin()]
        slope = np.tensordot(time - time.mean(), days - days.mean(0), 1) / ((time - time.mean()) ** 2).sum()
        (m, s), (mean, sd) = (
            [x.mean((1, 2), keepdims=True), x.std((1, 2), keepdims=True)] for x in (near, truth)
        )
        for name, image in {
            "nearest day": near, "mean of days": days.mean(0), "median of days": np.median(days, 0),
            "linear trend": days.mean(0) - slope * time.mean(),
            "nearest day, with the true mean and spread": (near - m) / (s + 1e-6) * sd + mean,
        }.items():  # fmt: skip
            found.setdefault(name, []).append(np.clip(image, -1, 1).astype(np.float32))
    return {name: np.stack(images) for name, images in found.items()}


def ssim(made: NDArray[Any], real: NDArray[Any]) -> NDArray[np.float64]:
    """SSIM of each image (N, C, H, W) in [-1, 1], by torchmetrics."""
    a, b = torch.from_numpy(made), torch.from_numpy(real)
    found = structural_similarity_index_measure(a, b, data_range=2.0, reduction="none")
    return np.asarray(found, np.float64)


def line(name: str, made: NDArray[Any], real: NDArray[Any], changed: NDArray[np.bool_]) -> None:
    """Print one row: SSIM with its standard error, PSNR, and MAE where much and where little changed."""
    likeness, error = ssim(made, real), np.abs(made - real).mean(1) * 127.5
    psnr = float(10 * np.log10(4 / ((made - real) ** 2).mean()))
    mean, sure = likeness.mean(), likeness.std() / np.sqrt(len(likeness))
    print(
        f"| {name} | {mean:.3f} ± {sure:.3f} | {psnr:.2f} | {error[changed].mean():.1f} "
        f"| {error[~changed].mean():.1f} |"
    )


def measure(name: str, data: Path, folder: Path, steps: int, first: int) -> None:
    """Train on all days but the last, and make the last one."""
    images = sorted((data / SERIES[name]).glob("*.tif"), key=day)
    folder.mkdir(parents=True, exist_ok=True)
    for p in images:
        halves(p, folder / f"{p.stem}-mask.tif")
    own = {k: v | {"steps": max(1, steps)} if k == "image_train" else v for k, v in OWN.items()}
    own["base"] = {k: v | {"steps": first if k == "vae" else first // 10} for k, v in OWN["base"].items()}
    own["tile"] = {"size": SIDE, "stride": STRIDE, "dates": {"most": 4}}
    found = [config(name, sections(name, part, folder), **own) for part in (images[:-1], images)]
    work = SeriesWork(folder, found[0])
    work.cut()
    last = folder / "last.parquet"
    if not last.exists():
        cut(found[1], last, images[-1].stem)
    rows = [replace(s, caption="") for s in samples.read(last, split="test") if len(dates.frames(s)) == 4]
    paint = None
    if steps:
        work.prepare()
        paint = work.painter(work.generator("image", work.latents))
    report(name, rows, paint, Statistics.load(work.statistics))


def report(name: str, rows: Sequence[Sample], paint: DiffusionImages | None, card: Statistics) -> None:
    """Print the table of a series."""
    real = np.stack([card.scale(r.image_array()) for r in rows])
    plain = free(rows, real, card)
    change = np.abs(plain["nearest day"] - real).mean(1)
    changed = change >= np.quantile(change, 1 - CHANGED)
    print(
        f"\n{name}: {len(rows)} tiles of {SIDE} px, held out in place and time; MAE in grey levels of 255\n"
    )
    print("| image | SSIM | PSNR, dB | MAE, changed fifth | MAE, the rest |\n|---|---|---|---|---|")
    for title, image in plain.items():
        line(title, image, real, changed)
    if paint is not None:
        told(rows, real, changed, paint)


def told(
    rows: Sequence[Sample], real: NDArray[np.float32], changed: NDArray[np.bool_], paint: DiffusionImages
) -> None:
    """Print what a generator makes of its own days, of those of another tile and of none, and its bound."""
    half = len(rows) // 2
    moved = [replace(r, layers=rows[(i + half) % len(rows)].layers) for i, r in enumerate(rows)]
    days = {"own days": rows, "days of another tile": moved, "no days": [replace(r, layers=[]) for r in rows]}
    for title, given in days.items():
        made = np.stack([painted(paint, given, seed) for seed in range(SAMPLES)])
        line(f"{title}: mean of {SAMPLES} samples", made.mean(0), real, changed)
        line(f"{title}: one sample", made[0], real, changed)
    with torch.no_grad():
        bound = paint.model.decode(paint.model.encode(torch.from_numpy(real))).clip(-1, 1).numpy()
    line("the tile through the autoencoder: the bound", bound, real, changed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("series", choices=SERIES)
    parser.add_argument("--folder", type=Path)
    parser.add_argument(
        "--steps",
        type=int,
        default=SECTIONS["image_train"]["steps"],
        help="of the generator; 0: none is trained",
    )
    parser.add_argument(
        "--base-steps", type=int, default=500, help="of the autoencoder; a tenth for the base"
    )
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    data = Path(os.environ.get("LANDLOOM_DATA", "")).resolve()
    if "LANDLOOM_DATA" not in os.environ or not (data / SERIES[given.series]).is_dir():
        sys.exit(f"skipped: there is no folder {SERIES[given.series]} in LANDLOOM_DATA")
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as temporary:
        measure(
            given.series, data, (given.folder or Path(temporary)).resolve(), given.steps, given.base_steps
        )


if __name__ == "__main__":
    main()

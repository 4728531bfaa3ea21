"""Peak memory of the stages that go through all tiles, on made-up tiles of the true size and number.

python benchmarks/stage_memory.py [--tiles 12000] [--size 512] [--folder /tmp/tiles] [--only caption pix2pix]

Networks are tiny and trainings take a few steps, but each begins with as much of its data held as may be. All
tiles lie in one shard, which is the worst case for ``encode``. Every stage runs in a process of its own; its
peak of resident memory is printed beside that of the same stage on a tenth of the tiles. The tiles take 7 GB
of disk. Trainings that learn latents need ``base`` and ``encode`` before them, which take an hour for 12,000
tiles on two cores; ``--only`` names the stages to run.
"""

import argparse
import resource
import tempfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from streaming import described, made_up

from landloom.config.base import BaseConfig, UnetConfig, VaeConfig
from landloom.config.caption import CaptionConfig
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import CycleGanConfig, ImageTrainConfig, Pix2PixConfig
from landloom.config.label_train import CategoricalConfig, LabelTrainConfig, ProportionLoss
from landloom.config.low_resolution import CoarseConfig
from landloom.data import samples
from landloom.data.held_rows import HeldRows
from landloom.stages import base, caption, encode, image_train, label_train

FEW: dict[str, Any] = {"steps": 3, "batch": 2, "warmup": 1}
UNET = UnetConfig(channels=(8, 16), groups=8, head=8, text_width=32, text_layers=1, **FEW)
BASE = BaseConfig(augment="none", vae=VaeConfig(channels=(8, 8, 8, 8), **FEW), unet=UNET)
SMALL = {"width": 4, "levels": 3}


def held_from_the_start(rows: HeldRows[Any]) -> None:
    """As after many steps: as many rows are held as may be."""
    for start in range(0, min(rows.size, rows.capacity), 16):
        rows._hold(range(start, min(start + 16, rows.size, rows.capacity)))


def stages(folder: Path) -> dict[str, Callable[[], None]]:
    """What runs each stage on the tiles in a folder."""
    about, tiles, told = (folder / n for n in ("statistics.json", "tiles.parquet", "captions.parquet"))
    latents = folder / "latents.safetensors"

    def trained(name: str) -> dict[str, Path]:
        return {k: folder / name / k for k in ("state", "out", "metrics")}

    def image(backend: str, **own: Any) -> Callable[[], None]:
        config = ImageTrainConfig(backend=backend, **own, **FEW)
        more = (
            {"base": folder / "base/out", "latents": [latents]}
            if backend == "controlnet"
            else {"tiles": [tiles]}
        )
        return lambda: image_train.run(config, 0, about, **trained(backend), **more)

    def label(backend: str, **own: Any) -> Callable[[], None]:
        config = LabelTrainConfig(backend=backend, **own, **FEW)
        more = (
            {"base": folder / "base/out", "latents": [latents]} if backend == "lora" else {"tiles": [tiles]}
        )
        return lambda: label_train.run(config, 0, about, **trained(backend), **more)

    coarse = EncodeConfig(augment="none", low_resolution=CoarseConfig(factor=8))
    made = trained("base") | {f"{m}_metrics": folder / f"base/{m}" for m in ("vae", "unet")}
    del made["metrics"]
    return {
        "caption": lambda: caption.run(
            CaptionConfig(), about, tiles, folder / "state", told, folder / "words.json"
        ),
        "base": lambda: base.run(BASE, 0, about, [tiles], [told], **made),
        "encode": lambda: encode.run(coarse, about, folder / "base/out", tiles, told, latents),
        "label_train (lora)": label("lora", proportion=ProportionLoss(probe_steps=3)),
        "label_train (categorical)": label("categorical", categorical=CategoricalConfig(channels=(32, 32))),
        "image_train (controlnet)": image("controlnet"),
        "image_train (pix2pix)": image("pix2pix", pix2pix=Pix2PixConfig(**SMALL)),
        "image_train (cyclegan)": image("cyclegan", cyclegan=CycleGanConfig(**SMALL)),
    }


def peak(name: str, folder: Path) -> float:
    """Run one stage; GB of resident memory at its peak."""
    HeldRows.fill = held_from_the_start  # type: ignore[method-assign]
    stages(folder)[name]()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Print a row for each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tiles", type=int, default=12_000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--folder", help="where the tiles go; a temporary folder when absent")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of stages")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as root:
        folders = {count: Path(root, str(count)) for count in (given.tiles // 10, given.tiles)}
        for count, folder in folders.items():
            for name in ("base", "lora", "categorical", "controlnet", "pix2pix", "cyclegan"):
                (folder / name / "state").mkdir(parents=True)
            samples.write(folder / "tiles.parquet", made_up(given.size, count))
            described(given.size, count).save(folder / "statistics.json")
        print(f"| stage | GB, {' | GB, '.join(f'{n} tiles' for n in folders)} |\n|---|---|---|")
        for name in (n for n in stages(Path(root)) if any(part in n for part in given.only)):
            with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
                found = [pool.apply(peak, (name, folder)) for folder in folders.values()]
            print(f"| {name} | {' | '.join(f'{x:.2f}' for x in found)} |", flush=True)


if __name__ == "__main__":
    main()

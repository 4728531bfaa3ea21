"""Scenes larger than a tile: memory, time and disk by size, with a tiny model that has learned nothing.

python benchmarks/scenes.py [--sizes 512 1024 2048] [--steps 1] [--averagings all] [--batch 16] [--folder F]

Tiles of 64 px, three 8-bit bands, six classes, autoencoder that shrinks twice, half overlap. Each scene is a
process of its own. *anonymous* is the peak of memory that belongs to no file (``RssAnon``): the arrays of a
scene are mapped files, whose pages the system may drop, and which the resident memory counts. *disk* is the
peak of the state folder.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import rasterio
import torch

from landloom.conditions import registry
from landloom.conditions.group import Conditions
from landloom.conditions.mask import Mask
from landloom.conditions.text import Text
from landloom.config.base import UnetConfig, VaeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.data.statistics import ClassInfo, Statistics
from landloom.diffusion import controlnet
from landloom.models import scratch
from landloom.models.families.stable_diffusion import StableDiffusion

CLASSES, SIZE, BANDS = 6, 64, 3
VAE = VaeConfig(channels=(16, 32), latent=4)
UNET = UnetConfig(channels=(32, 64), groups=8, head=16, text_width=32, text_layers=1)


def models(folder: Path) -> None:
    """Write dataset statistics, base and ControlNet."""
    torch.manual_seed(0)
    tokens = scratch.tokenizer(["satellite image"])
    base = StableDiffusion(
        vae=scratch.vae(VAE, BANDS, SIZE), unet=scratch.unet(UNET, VAE.latent, SIZE // 2),
        text_encoder=scratch.text_encoder(UNET, tokens), tokenizer=tokens, scheduler=scratch.scheduler(UNET),
    )  # fmt: skip
    base.save(folder / "base")
    section = ImageTrainConfig()
    controlnet.save(folder / "image", controlnet.build(section, base, CLASSES), base, section)
    told = Conditions([Text(base.embed([""]).detach(), "caption", 0.1), Mask(CLASSES)])
    registry.save(told, folder / "image")
    classes = [ClassInfo(name=f"class {i}", color=f"#{i:02x}{i:02x}ff") for i in range(CLASSES)]
    Statistics(
        name="made-up", size=SIZE, classes=classes, bands=BANDS, dtype="uint8", rgb=[0, 1, 2],
        low=[0.0] * BANDS, high=[255.0] * BANDS, prior=[1 / CLASSES] * CLASSES,
        tiles={"train": 1, "val": 0, "test": 0}, scenes=1,
    ).save(folder / "statistics.json")  # fmt: skip


def mask(path: Path, side: int) -> None:
    """Write random blocks of classes."""
    blocks = np.random.default_rng(0).integers(0, CLASSES, (side // 32, side // 32)).astype(np.uint8)
    profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.kron(blocks, np.ones((32, 32), np.uint8)), 1)


def measured(folder: Path, side: int, given: argparse.Namespace) -> tuple[float, int, int]:
    """Seconds, peak of anonymous memory in MB and of the state in MB of one scene."""
    mask(folder / f"{side}.tif", side)
    config = {"scenes": {"s": {"mask": "m"}}, "averagings": given.averagings}
    images = {"steps": given.steps, "guidance": 1, "batch": given.batch}
    places = {"statistics": "statistics.json", "base": "base", "controlnet": "image", "mask": f"{side}.tif",
              "state": f"state-{side}", "out": f"{side}.image.tif", "labels": f"{side}.mask.tif"}  # fmt: skip
    names = {
        "config": json.dumps(config),
        "images": json.dumps(images),
        "words": "{}",
        "name": "s",
        "seed": 0,
    }
    names |= {k: str(folder / v) for k, v in places.items()}
    words = [w for name, value in names.items() for w in (f"--{name}", str(value))]
    begin = time.perf_counter()
    job = subprocess.Popen([sys.executable, "-m", "landloom", "scene_sample", *words])
    peaks = {"memory": 0, "disk": 0}
    watch = threading.Thread(target=watched, args=(job, folder / f"state-{side}", peaks))
    watch.start()
    code = job.wait()
    watch.join()
    if code:
        raise SystemExit(code)
    return time.perf_counter() - begin, peaks["memory"], peaks["disk"]


def watched(job: "subprocess.Popen[bytes]", state: Path, peaks: dict[str, int]) -> None:
    """Note the peaks of a process until it ends, in MB."""
    while job.poll() is None:
        try:
            lines = Path(f"/proc/{job.pid}/status").read_text().splitlines()
            memory = next((int(x.split()[1]) // 1000 for x in lines if x.startswith("RssAnon")), 0)
            disk = sum(f.stat().st_size for f in state.rglob("*") if f.is_file()) // 10**6
        except OSError:
            continue
        peaks["memory"], peaks["disk"] = max(peaks["memory"], memory), max(peaks["disk"], disk)
        time.sleep(0.05)


def main() -> None:
    """Print a line for each size."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    asked.add_argument("--steps", type=int, default=1)
    asked.add_argument("--averagings", type=lambda v: v if v == "all" else int(v), default="all")
    asked.add_argument("--batch", type=int, default=16)
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        models(Path(name))
        for side in given.sizes:
            seconds, memory, disk = measured(Path(name), side, given)
            print(f"{side} px: {seconds:.1f} s, {memory} MB anonymous, {disk} MB of state", flush=True)


if __name__ == "__main__":
    main()

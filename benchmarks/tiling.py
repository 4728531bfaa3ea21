"""Cutting tiles of 512 px, against gdal_retile.py for the image and again for the mask, and a plain loop.

python benchmarks/tiling.py [--pairs 5]

Scenes are made up (made_up_scenes.py): tiled GeoTIFF, three bands of 8 bits, beside a mask. gdal_retile.py is
in Debian's gdal-bin and python3-gdal; where it is not installed, the plain loop takes its place, and the rows
say so. What is compared is the stage itself, in a process that has done it before; ``tile_job`` is a whole
command with its start, checks and record. Memory and growth are measured in processes of their own.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
import made_up_scenes
import numpy as np
import rasterio
from comparison import interleaved, report, seconds
from isal import isal_zlib
from PIL import Image
from rasterio.windows import Window
from tile_alone import SIZE, THREADS, cut

from landloom.config.tile import TileConfig
from landloom.raster import png

RETILE = shutil.which("gdal_retile.py")
THEIRS = (
    "gdal_retile.py to PNG, image and then mask"
    if RETILE
    else "a plain rasterio + Pillow loop, since gdal_retile.py is not installed"
)
SCENE = "made-up scene of 8-bit RGB and mask, tiles of 512 px"


def command(folder: Path, side: int) -> None:
    """The same by the command that a job runs."""
    words = ["--config", TileConfig(size=SIZE).model_dump_json(exclude_defaults=True), "--scene", f"s{side}"]
    words += ["--data", made_up_scenes.config().model_dump_json(exclude_defaults=True), "--split", "train"]
    words += ["--image", folder / f"image{side}.tif", "--mask", folder / f"mask{side}.tif"]
    out = folder / "job" / "tiles.parquet"
    shutil.rmtree(out.parent, ignore_errors=True)
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-m", "landloom", "tile", *words, "--out", out], check=True, env=environment
    )


def retiled(folder: Path, side: int) -> None:
    """gdal_retile.py for the image and for the mask; without it, the loop."""
    if RETILE is None:
        return loop(folder, side)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    for kind in ("image", "mask"):
        out = empty(folder / f"retiled_{kind}")
        words = [RETILE, "-q", "-of", "PNG", "-ps", str(SIZE), str(SIZE), "-targetDir", out]
        subprocess.run([*words, folder / f"{kind}{side}.tif"], check=True, env=environment)


def loop(folder: Path, side: int) -> None:
    """What one writes by hand: a window of each file, saved by Pillow."""
    out = empty(folder / "loop")
    with (
        rasterio.open(folder / f"image{side}.tif") as image,
        rasterio.open(folder / f"mask{side}.tif") as mask,
    ):
        for row in range(0, side, SIZE):
            for col in range(0, side, SIZE):
                window = Window(col, row, SIZE, SIZE)
                pixels = np.moveaxis(image.read(window=window), 0, -1)
                Image.fromarray(np.ascontiguousarray(pixels)).save(out / f"{row}_{col}.png")
                Image.fromarray(mask.read(1, window=window)).save(out / f"{row}_{col}_mask.png")


def empty(folder: Path) -> Path:
    """An empty folder in its place."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def floor(folder: Path, side: int, took: float) -> str:
    """What had to be moved and deflated, beside the time it took."""
    read = sum((folder / f"{kind}{side}.tif").stat().st_size for kind in ("image", "mask"))
    written, pixels = (folder / f"{side}.parquet").stat().st_size, 4 * side**2
    moved = (read + 2 * pixels + written) / machine.copy() / took
    with rasterio.open(folder / f"image{side}.tif") as file:
        rows = png._rows(file.read(window=Window(0, 0, SIZE, SIZE)))
    deflated = min(seconds(lambda: isal_zlib.compress(rows, png.LEVEL)) for _ in range(5))
    deflating = 100 * deflated * (side // SIZE) ** 2 / THREADS / took
    return (
        f"{read / 1e6:,.0f} MB read, {pixels / 1e6:,.0f} MB of pixels, {written / 1e6:,.0f} MB written: to "
        f"copy them at {machine.copy() / 1e9:.1f} GB/s is {100 * moved:.0f} % of the time, to deflate the "
        f"images {deflating:.0f} %, if {THREADS} threads could share it"
    )


def speed(folder: Path, pairs: int) -> None:
    """Rows against the other ways."""
    for side in (4096,):
        made_up_scenes.write(folder, side)
        ratios, took = interleaved(lambda: cut(folder, side), lambda: retiled(folder, side), pairs)  # noqa: B023
        report(
            f"tile_{side}", f"tile, {side} px, {THREADS} threads ({SCENE})", THEIRS, ratios, 4, took=took,
            floor=f"{floor(folder, side, took)}; {sizes(folder, side)}",
        )  # fmt: skip
    ratios, took = interleaved(lambda: command(folder, 4096), lambda: retiled(folder, 4096), pairs)
    report("tile_job", "the whole command of tile, 4096 px", THEIRS, ratios, took=took)
    ratios, took = interleaved(lambda: cut(folder, 4096), lambda: loop(folder, 4096), pairs)
    report("tile_loop", "tile, 4096 px", "a plain rasterio + Pillow loop", ratios, took=took)


def sizes(folder: Path, side: int) -> str:
    """How large our shard is beside the files of the other way."""
    names = ("retiled_image", "retiled_mask") if RETILE else ("loop",)
    theirs = sum(p.stat().st_size for name in names for p in (folder / name).iterdir())
    images = sum(p.stat().st_size for p in (folder / names[0]).glob("*[0-9].png"))
    shard, share = (folder / f"{side}.parquet").stat().st_size, images / (3 * side**2)
    return (
        f"{shard / theirs:.2f} times the bytes of the other PNG files, images of {share:.2f} of their pixels"
    )


def alone(folder: Path, side: int) -> dict[str, float]:
    """Seconds of the stage, and MB of memory at the peak of a process that does nothing else."""
    script = Path(__file__).with_name("tile_alone.py")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, script, folder, str(side)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=environment)
    return json.loads(done.stdout)


def growth(folder: Path, pairs: int) -> None:
    """Rows of memory and time at sixteen times the pixels."""
    for side in (4096, 16384):
        made_up_scenes.write(folder, side)
    found = [[alone(folder, side) for side in (4096, 16384)] for _ in range(pairs)]
    peaks = [f"{np.median([pair[i]['megabytes'] for pair in found]):,.0f} MB" for i in (0, 1)]
    report(
        "tile_memory", "peak memory of tile at 16,384 px", "the same at 4,096 px",
        [large["megabytes"] / small["megabytes"] for small, large in found], 1.1, "low", "times the memory",
        floor=f"{peaks[1]} beside {peaks[0]}; 64 MB of each are GDAL's cache of blocks",
    )  # fmt: skip
    report(
        "tile_growth", "tile, 16,384 px, time per pixel", "the same at 4,096 px",
        [large["seconds"] / 16 / small["seconds"] for small, large in found], 1.1, "low",
        "times the time per pixel", took=float(np.median([large["seconds"] for _, large in found])),
    )  # fmt: skip


def main() -> None:
    """Print all rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    if RETILE is None:
        print(
            "gdal_retile.py is not installed (Debian: gdal-bin, python3-gdal): a plain loop takes its place"
        )
    for work in (speed, growth):
        with tempfile.TemporaryDirectory() as folder:
            work(Path(folder), given.pairs)


if __name__ == "__main__":
    main()

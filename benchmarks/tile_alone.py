"""The stage tile on a made-up scene, and its memory: without torch and other things that it does not need.

python benchmarks/tile_alone.py FOLDER SIDE

Cuts the scene of 4,096 px first, so that nothing is done for the first time, and then that of SIDE px; prints
its seconds and the MB of memory of the process at its peak as JSON. ``tiling.py`` calls it.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import made_up_scenes

from landloom.config.tile import TileConfig
from landloom.stages import tile

SIZE = 512
THREADS = min(4, os.cpu_count() or 1)


def cut(folder: Path, side: int) -> None:
    """The stage, with the threads that Snakemake gives the job of a single scene."""
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    image, mask = (folder / f"{kind}{side}.tif" for kind in ("image", "mask"))
    config, data = TileConfig(size=SIZE), made_up_scenes.config()
    tile.run(config, data, [f"s{side}"], ["train"], [image], [mask], folder / f"{side}.parquet")


def peak() -> float:
    """MB of resident memory at most; what ``resource`` says begins with that of the parent process."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 / 1e6 if found else float("nan")


def main() -> None:
    """Cut and print."""
    folder, side = Path(sys.argv[1]), int(sys.argv[2])
    cut(folder, 4096)
    start = time.perf_counter()
    cut(folder, side)
    print(json.dumps({"seconds": time.perf_counter() - start, "megabytes": peak()}))


if __name__ == "__main__":
    main()

"""The stage ratios, against a plain loop that counts the classes of mask PNGs.

python benchmarks/class_ratios.py [--pairs 5]

The loop counts classes and no more; the stage also finds the percentiles of all bands, from counts that
``tile`` left in the shards, and writes its table. Tiles repeat the pixels of eight.
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import machine
import made_up_scenes
import numpy as np
from comparison import interleaved, report
from PIL import Image

from landloom.config.ratios import RatiosConfig
from landloom.data import samples
from landloom.data.samples import Sample, ShardWriter
from landloom.raster import codec, histogram
from landloom.raster.labels import IGNORE
from landloom.stages import ratios

TILES = 2000
PER_SHARD = 100


def made_up(size: int) -> tuple[list[Sample], list[list[list[int]]]]:
    """Eight tiles, and how often each value occurs in each band of them."""
    image, mask = made_up_scenes.piece()
    found, counts = [], []
    for i in range(8):
        area = np.s_[..., i // 4 * size :, i % 4 * size :]
        pixels, labels = (np.ascontiguousarray(a[area][..., :size, :size]) for a in (image, mask - 1))
        shares = samples.class_ratios(labels, made_up_scenes.CLASSES)
        found.append(Sample("", codec.encode(labels), codec.encode(pixels), ratios=shares))
        counts.append(histogram.where(pixels, labels != IGNORE).tolist())
    return found, counts


def shards(folder: Path, tiles: int, size: int) -> list[Path]:
    """Write so many tiles; returns their shards."""
    eight, counts = made_up(size)
    about = {"dtype": "uint8", "bands": 3, "classes": [c.name for c in made_up_scenes.config().classes]}
    paths = []
    for start in range(0, tiles, PER_SHARD):
        paths.append(folder / f"{tiles}_{size}_{start}.parquet")
        with ShardWriter(paths[-1], about) as writer:
            for i in range(start, start + PER_SHARD):
                writer.add(replace(eight[i % 8], id=f"t{i}", scene=f"s{start}"))
            chosen = [counts[i % 8] for i in range(start, start + PER_SHARD)]
            writer.totals["histogram"] = np.sum(chosen, axis=0).tolist()
    return paths


def ours(tiles: list[Path]) -> Callable[[], None]:
    """The stage on shards."""
    data, (out, about) = made_up_scenes.config(), (tiles[0].with_name(n) for n in ("r.parquet", "s.json"))
    return lambda: ratios.run(RatiosConfig(), data, "made-up", tiles, out, about)


def masks(folder: Path, tiles: int, size: int) -> list[Path]:
    """Write the masks as PNG files by Pillow."""
    eight, _ = made_up(size)
    files = []
    for sample in eight:
        files.append(io.BytesIO())
        Image.fromarray(sample.mask_array()).save(files[-1], "PNG")
    paths = [folder / f"{i}.png" for i in range(tiles)]
    for i, path in enumerate(paths):
        path.write_bytes(files[i % 8].getvalue())
    return paths


def loop(paths: list[Path]) -> np.ndarray:
    """Share of each class in each mask."""
    counts = [np.bincount(np.asarray(Image.open(p)).ravel(), minlength=256) for p in paths]
    table = np.array(counts)[:, : made_up_scenes.CLASSES]
    return table / table.sum(1, keepdims=True)


def main() -> None:
    """Print all rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        plain, made = masks(folder, TILES, 512), shards(folder, TILES, 512)
        found, took = interleaved(ours(made), lambda: loop(plain), given.pairs)
        read = sum(p.stat().st_size for p in plain)
        share = 100 * read / machine.copy() / took
        report(
            "ratios", f"ratios of {TILES:,} tiles of 512 px", "a numpy loop over the PNG files of the masks",
            found, 10, took=took,
            floor=f"the loop reads {read / 1e6:,.0f} MB, which to copy takes {share:.0f} % of our time",
        )  # fmt: skip
        small, large = (ours(shards(folder, n, 64)) for n in (TILES, 16 * TILES))
        found, took = interleaved(small, large, given.pairs)
        report(
            "ratios_growth", f"ratios of {16 * TILES:,} tiles, time per tile", f"that of {TILES:,}",
            [x / 16 for x in found], 1.1, "low", "times the time per tile", took=16 * took,
        )  # fmt: skip


if __name__ == "__main__":
    main()

"""Tiny shards of bright boxes at any angle on dark noise, which a detector learns in a few dozen steps."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from landloom.data import samples
from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo, Statistics
from landloom.detection import boxes
from landloom.raster import codec
from tests import shards

SIDE = 64
NAMES = ["red", "green"]
COLORS = np.array([[230, 60, 60], [60, 230, 60]])


def dataset(**changes: Any) -> Statistics:
    """Statistics of the tiles."""
    classes = [ClassInfo(name=n, color=c) for n, c in zip(NAMES, ("#e63c3c", "#3ce63c"), strict=True)]
    return shards.dataset(SIDE).model_copy(update={"objects": classes} | changes)


def statistics(folder: Path) -> Path:
    """Write the statistics."""
    path = folder / "dataset.json"
    dataset().save(path)
    return path


def drawn(rng: np.random.Generator, count: int = 3) -> list[Object]:
    """Boxes of both classes, twice as long as wide, in cells of their own, so that none lies on another."""
    found = []
    for cell in rng.permutation(4)[:count]:
        centre = np.array([cell % 2, cell // 2]) * SIDE / 2 + SIDE / 4 + rng.uniform(-3, 3, 2)
        angle, short = rng.uniform(0, np.pi), rng.uniform(8, 11)
        box = np.array([[*centre, 2 * short, short, np.sin(2 * angle), np.cos(2 * angle)]])
        found.append(Object(int(rng.integers(2)), boxes.corners(box)[0].ravel().tolist()))
    return found


def image(objects: list[Object], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Picture (3, H, W) of some objects."""
    values = np.full((SIDE, SIDE, 3), 40.0)
    for o in objects:
        shape = {"type": "Polygon", "coordinates": [o.quad().tolist()]}
        values[rasterize([shape], (SIDE, SIDE)) > 0] = COLORS[o.category]
    return np.moveaxis(np.clip(values + rng.normal(0, 10, values.shape), 0, 255).astype(np.uint8), -1, 0)


def sample(name: str, rng: np.random.Generator, **more: Any) -> Sample:
    """A tile without a mask, with one to three objects."""
    found = drawn(rng, int(rng.integers(1, 4)))
    return Sample(id=name, image=codec.encode(image(found, rng)), objects=found, **more)


def tiles(folder: Path, train: int = 16, val: int = 4, test: int = 4, seed: int = 0) -> list[Path]:
    """One shard of real tiles per split; each tile is a scene of its own."""
    rng, paths = np.random.default_rng(seed), []
    for split, count in (("train", train), ("val", val), ("test", test)):
        paths.append(folder / f"{split}.parquet")
        rows = [sample(f"{split}{i}", rng, scene=f"{split}{i}", split=split) for i in range(count)]
        samples.write(paths[-1], rows, {"scenes": {}})
    return paths

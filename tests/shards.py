"""Tiny shards of class-coloured noise, which a network learns in a few dozen steps."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.data import samples
from landloom.data.quality import Quality
from landloom.data.samples import Sample, class_ratios
from landloom.data.statistics import ClassInfo, Statistics
from landloom.raster import codec

SIDE = 32
COLORS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]], np.float64)
MASK = NDArray[np.uint8]


def dataset(size: int = SIDE) -> Statistics:
    """Statistics of three classes and three 8-bit bands."""
    return Statistics(
        name="tiny",
        size=size,
        classes=[
            ClassInfo(name=n, color=c) for n, c in zip("abc", ("#c82828", "#28c828", "#2828c8"), strict=True)
        ],
        bands=3,
        dtype="uint8",
        rgb=[0, 1, 2],
        low=[0.0] * 3,
        high=[255.0] * 3,
        prior=[0.5, 0.3, 0.2],
        tiles={"train": 8, "val": 2, "test": 2},
        scenes=3,
    )


def statistics(folder: Path, size: int = SIDE) -> Path:
    """Write the statistics."""
    path = folder / "dataset.json"
    dataset(size).save(path)
    return path


def mask(rng: np.random.Generator, size: int = SIDE) -> MASK:
    """Random blocks (size, size) of the three classes."""
    cell = size // 4
    return rng.integers(0, 3, (4, 4)).repeat(cell, 0).repeat(cell, 1).astype(np.uint8)


def image(labels: MASK, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noisy class colours (3, H, W)."""
    noisy = COLORS[labels] + rng.normal(0, 12, (*labels.shape, 3))
    return np.moveaxis(np.clip(noisy, 0, 255).astype(np.uint8), -1, 0)


def sample(name: str, rng: np.random.Generator, labels: MASK | None = None, **more: Any) -> Sample:
    """A sample whose image shows random blocks; its mask may be another one."""
    shown = mask(rng)
    stored = shown if labels is None else labels
    return Sample(
        id=name, mask=codec.encode(stored), image=codec.encode(image(shown, rng)),
        ratios=class_ratios(stored, 3), **more,
    )  # fmt: skip


def tiles(folder: Path, train: int = 8, val: int = 2, test: int = 2, seed: int = 0) -> list[Path]:
    """One shard of real tiles per split."""
    rng = np.random.default_rng(seed)
    paths = []
    for split, count in (("train", train), ("val", val), ("test", test)):
        paths.append(folder / f"{split}.parquet")
        rows = [sample(f"{split}{i}", rng, scene=split, split=split, col=i * SIDE) for i in range(count)]
        grid = {"height": SIDE, "width": count * SIDE, "crs": None, "transform": None}
        samples.write(paths[-1], rows, {"scenes": {split: grid}})
    return paths


def pairs(
    folder: Path, count: int = 6, generator: str = "g", quality: Quality | None = None, seed: int = 1,
    about: dict[str, Any] | None = None,
) -> Path:  # fmt: skip
    """A shard of synthetic pairs with true masks."""
    rng = np.random.default_rng(seed)
    path = folder / f"{generator}.parquet"
    rows = [
        sample(f"{generator}_{i}", rng, scene=generator, source=generator, seed=i, quality=quality,
               target_ratios=[0.5, 0.25, 0.25])
        for i in range(count)
    ]  # fmt: skip
    samples.write(path, rows, {"generator": generator} | (about or {}))
    return path


def unlabelled(folder: Path, count: int = 4, seed: int = 7) -> tuple[Path, list[MASK]]:
    """A shard of real tiles without masks, and the masks that they have in truth."""
    rng, path = np.random.default_rng(seed), folder / "unlabelled.parquet"
    truth = [mask(rng) for _ in range(count)]
    rows = [
        Sample(id=f"u{i}", image=codec.encode(image(m, rng)), scene="u", split="unlabelled", col=i * SIDE)
        for i, m in enumerate(truth)
    ]
    samples.write(path, rows, {"dtype": "uint8", "bands": 3, "scenes": {}})
    return path, truth

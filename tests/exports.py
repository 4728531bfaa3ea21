"""Tiny shards and dataset statistics for the tests of export, report and audit."""

from pathlib import Path

import numpy as np

from landloom.data import samples
from landloom.data.quality import Quality, below, judged
from landloom.data.samples import Requested, Sample, class_ratios
from landloom.data.statistics import ClassInfo, Statistics
from landloom.raster import codec
from landloom.raster.labels import IGNORE

SIDE = 16
CLASSES = [("water", "#1f77b4"), ("built up", "#d62728"), ("forest", "#2ca02c")]
CRS = "EPSG:32652"
REJECTED = judged(None, {"agreement": 0.2}, below("agreement", 0.2, 0.5))
TRANSFORM = [10.0, 0.0, 350000.0, 0.0, -10.0, 3820000.0]


def statistics(bands: int = 3) -> Statistics:
    """The statistics of a dataset with three classes; five bands are float32, three are uint8."""
    floats = bands != 3
    return Statistics(
        name="tiny",
        size=SIDE,
        classes=[ClassInfo(name=n, color=c) for n, c in CLASSES],
        bands=bands,
        dtype="float32" if floats else "uint8",
        rgb=[2, 1, 0] if floats else [0, 1, 2],
        low=[0.0] * bands,
        high=[1.0 if floats else 255.0] * bands,
        prior=[0.5, 0.2, 0.3],
        tiles={"train": 4, "val": 1, "test": 2},
        scenes=2,
    )


def mask(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """A mask (16, 16) of three classes with one ignored pixel in its corner."""
    blocks = np.random.default_rng(seed).integers(0, 3, (4, 4)).astype(np.uint8)
    found = blocks.repeat(SIDE // 4, 0).repeat(SIDE // 4, 1)
    found[-1, -1] = IGNORE
    return found


def sample(name: str, number: int, bands: int = 3, placed: bool = False, **more: object) -> Sample:
    """One sample; a placed one has a CRS and a transform."""
    rng = np.random.default_rng(number)
    if bands == 3:
        image = rng.integers(0, 256, (3, SIDE, SIDE)).astype(np.uint8)
    else:
        image = rng.random((bands, SIDE, SIDE)).astype(np.float32)
    fields: dict[str, object] = {"crs": CRS, "transform": TRANSFORM} if placed else {}
    fields |= {
        "scene": "a",
        "ratios": class_ratios(mask(number), 3),
        "caption": f"a picture, number {number}",
    }
    return Sample(id=name, image=codec.encode(image), mask=codec.encode(mask(number)), **(fields | more))  # type: ignore[arg-type]


def curated(path: Path, bands: int = 3, generator: str = "landloom") -> Path:
    """A curated shard: three accepted samples, the first one placed, and a rejected one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    verdicts = [judged(None, {"agreement": 0.91}), Quality(), None, REJECTED]
    mixes = ["real", "rare <car>", "rare <car>", "real"]
    trust = codec.encode(np.full((SIDE, SIDE), 200, np.uint8))
    rows = [
        sample(
            f"{generator}-{i}",
            10 + i,
            bands,
            placed=i == 0,
            source=generator,
            seed=100 + i,
            quality=verdict,
            request=Requested(mix),
            target_ratios=[0.2, 0.5, 0.3],
            trust=trust,
            parents=["a_0_0"] if i == 0 else [],
        )
        for i, (verdict, mix) in enumerate(zip(verdicts, mixes, strict=True))
    ]
    samples.write(path, rows, {"generator": generator})
    return path


def tiles(path: Path, bands: int = 3) -> Path:
    """A tile shard: four train tiles, two test tiles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    splits = ["train"] * 4 + ["test"] * 2
    samples.write(path, [sample(f"a_{i}_0", i, bands, placed=True, split=s) for i, s in enumerate(splits)])
    return path

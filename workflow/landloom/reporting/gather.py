"""What the report shows: which samples, beside which real tiles, which test predictions, which losses."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from landloom.data import samples
from landloom.data.quality import Quality, accepted
from landloom.data.samples import Sample
from landloom.reporting.tables import run_name


@dataclass(frozen=True)
class Entry:
    """A curated sample without its rasters; ``target`` holds NaN for classes that were left free."""

    id: str
    path: Path
    generator: str
    mix: str
    quality: Quality | None
    ratios: list[float]
    target: list[float] | None

    @property
    def accepted(self) -> bool:
        """Whether curation accepted it."""
        return accepted(self.quality)

    @property
    def reason(self) -> str:
        """Why it was rejected."""
        return ", ".join(self.quality.details) if self.quality else ""


@dataclass(frozen=True)
class Row:
    """A synthetic sample beside the real train tile whose class shares come nearest to those asked for."""

    entry: Entry
    made: Sample
    real: Sample | None


@dataclass(frozen=True)
class Strip:
    """Test tiles with the predictions of several trainings: the id of each tile to a PNG per training."""

    labels: list[str]
    tiles: list[Sample]
    predictions: list[dict[str, bytes]]


def entries(curated: Sequence[Path]) -> list[Entry]:
    """List all curated samples."""
    found = []
    for path in curated:
        generator = str(samples.metadata(path).get("generator", path.parent.parent.name))
        table = samples.columns([path], ["id", "request", "quality", "ratios", "target_ratios"])
        for name, request, quality, ratios, target in zip(*table.values(), strict=True):
            mix = request.mix if request else "samples"
            found.append(Entry(name, path, generator, mix, quality, list(ratios), _floats(target)))
    return found


def _floats(values: list[float | None] | None) -> list[float] | None:
    return [float("nan") if v is None else float(v) for v in values] if values else None


def pick(items: Sequence[Entry], count: int) -> list[Entry]:
    """Draw up to ``count`` entries: the same ones at every run, for their names are the seed."""
    ordered = sorted(items, key=lambda e: e.id)
    if len(ordered) <= count:
        return ordered
    return sorted(random.Random(ordered[0].id).sample(ordered, count), key=lambda e: e.id)


def load(wanted: Iterable[tuple[Path, str]]) -> dict[tuple[Path, str], Sample]:
    """Read single samples of shards."""
    by_path: dict[Path, list[str]] = {}
    for path, name in wanted:
        by_path.setdefault(path, []).append(name)
    found: dict[tuple[Path, str], Sample] = {}
    for path, names in by_path.items():
        found |= {(path, sample.id): sample for sample in samples.named(path, names)}
    return found


class RealTiles:
    """Finds real train tiles by their class shares."""

    def __init__(self, tiles: Sequence[Path]) -> None:
        self.keys: list[tuple[Path, str]] = []
        shares = []
        for path in tiles:
            table = samples.columns([path], ["id", "split", "ratios"])
            for name, split, ratios in zip(*table.values(), strict=True):
                if split == "train" and ratios:
                    self.keys.append((path, name))
                    shares.append(ratios)
        self.shares = np.array(shares, np.float64)

    def nearest(self, entry: Entry) -> tuple[Path, str] | None:
        """Key of the tile nearest to what was asked for, or to what came out if nothing was asked."""
        wanted = np.array(entry.target or entry.ratios)
        if not self.keys or wanted.shape != self.shares.shape[1:]:
            return None
        return self.keys[int(np.nansum(np.abs(self.shares - wanted), 1).argmin())]


def rows(items: Sequence[Entry], tiles: RealTiles) -> list[Row]:
    """Load the rasters of a few entries and of the real tiles beside them."""
    keys = [tiles.nearest(e) for e in items]
    loaded = load([(e.path, e.id) for e in items] + [k for k in dict.fromkeys(keys) if k])
    return [Row(e, loaded[e.path, e.id], loaded[k] if k else None) for e, k in zip(items, keys, strict=True)]


MOST = 4
"""Trainings whose predictions stand side by side."""


def strip(runs: Sequence[Path], tiles: Sequence[Path], count: int, most: int = MOST) -> Strip | None:
    """Choose test tiles, and the predictions of the first network and seed: real only, then mixed.

    Runs are folders .../<generator>/<ratio>/<network>/<seed> with ``predictions.parquet`` (id, prediction).
    """
    files = [r / "predictions.parquet" for r in runs if (r / "predictions.parquet").exists()]
    if not files:
        return None
    network, seed = min((f.parts[-3], int(f.parts[-2])) for f in files)
    chosen = [f for f in files if f.parts[-3] == network and f.parts[-2] == str(seed)]
    chosen = sorted(chosen, key=lambda f: (f.parts[-5] != "real", f.parts[-5], float(f.parts[-4])))[:most]
    tables = [pq.read_table(f, columns=["id"])["id"].to_pylist() for f in chosen]
    common = sorted(set(tables[0]).intersection(*tables[1:]))
    names = sorted(random.Random(len(common)).sample(common, min(count, len(common))))
    loaded = load((path, name) for path in tiles for name in names)
    found = {key[1]: sample for key, sample in loaded.items()}
    labels = [run_name(f.parts[-5], f.parts[-4]) for f in chosen]
    return Strip(labels, [found[n] for n in names if n in found], [_predictions(f, names) for f in chosen])


def alone(runs: Sequence[Path]) -> bool:
    """Whether networks were trained on synthetic pairs without a real tile (``mix.of: alone``)."""
    files = [r / "scores.json" for r in runs]
    return any(json.loads(f.read_text())["n_real"] == 0 for f in files if f.exists())


def _predictions(file: Path, names: list[str]) -> dict[str, bytes]:
    table = pq.read_table(file, columns=["id", "prediction"], filters=[("id", "in", names)])
    return dict(zip(table["id"].to_pylist(), table["prediction"].to_pylist(), strict=True))


JUDGES = {"segment": "segmentation", "detect": "detection"}
"""Networks that judge samples, by the folder of their runs."""
Curve = tuple[list[float], list[float]]


def curves(metrics: Sequence[Path], dataset: str) -> dict[str, dict[str, Curve]]:
    """Loss by step: panel title to line name to (steps, losses).

    Trainings of networks that judge share a panel per network, and only the first seed of each is shown.
    """
    panels: dict[str, dict[str, Curve]] = {}
    judges = sorted((p for p in metrics if JUDGES.keys() & set(p.parts)), key=_run)
    for path in [*(p for p in metrics if p not in judges), *judges]:
        name = path.name.removesuffix(".metrics.jsonl")
        if path in judges:
            _, ratio, network, _ = _run(path)
            title, line = f"{JUDGES[path.parts[-5]]}: {network}", run_name(path.parts[-4], ratio)
        else:
            title, line = (name if path.parent.name == dataset else f"{path.parent.name}: {name}"), "loss"
        curve = losses(path)
        if curve[0]:
            panels.setdefault(title, {}).setdefault(line, curve)
    return panels


def _run(path: Path) -> tuple[bool, float, str, int]:
    """Order of a segmentation training: real only first, then by ratio, network and seed."""
    return path.parts[-4] != "real", float(path.parts[-3]), path.parts[-2], int(path.name.split(".")[0])


def losses(path: Path) -> Curve:
    """Read the steps and losses of a metrics file; a last line cut short by a kill is left out."""
    steps, values = [], []
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            break
        if np.isfinite(row.get("loss", np.nan)):
            steps.append(row["step"])
            values.append(row["loss"])
    return steps, values

"""The shipped GPU configs, over made-up files of the true names and number: the whole DAG is planned."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml

from landloom.config.data import DataConfig
from landloom.config.mix import MixConfig
from landloom.config.tile import TileConfig
from landloom.raster import survey
from landloom.raster.windows import Window, tiles
from landloom.scenes.discovery import discover, split_scenes
from landloom.stages.check import shortages
from tests.rasters import ROOT
from tests.test_workflow import environment

POTSDAM = [
    *((2, c) for c in range(10, 15)), *((3, c) for c in range(10, 15)), *((4, c) for c in range(10, 16)),
    *((5, c) for c in range(10, 16)), *((6, c) for c in range(7, 16)), *((7, c) for c in range(7, 14)),
]  # fmt: skip
LOVEDA = {("Train", "Rural"): 1366, ("Train", "Urban"): 1156, ("Val", "Rural"): 992, ("Val", "Urban"): 677}
"""Scenes of each folder; 4,191 together."""


def config(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    return found


def planned(folder: Path, name: str) -> Counter[str]:
    """Jobs by rule of a dry run in ``folder``."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--snakefile", str(ROOT / "Snakefile"),
         "--workflow-profile", "none", "--cores", "2", "--configfile", str(ROOT / f"config/{name}.yaml")],
        cwd=folder, capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [line.split() for line in (done.stdout + done.stderr).splitlines()]
    return Counter({r[0]: int(r[1]) for r in rows if len(r) == 2 and r[1].isdigit()})


def potsdam(folder: Path) -> None:
    """Sparse rasters of 6000 px: headers are right, pixels take no disk."""
    data = config("potsdam")["data"]
    for row, col in POTSDAM:
        for kind in ("images", "masks"):
            path = folder / data[kind].format(row=row, col=col)
            path.parent.mkdir(parents=True, exist_ok=True)
            with rasterio.open(
                path, "w", driver="GTiff", height=6000, width=6000, count=3, dtype="uint8", sparse_ok=True,
                tiled=True, crs="EPSG:32633", transform=rasterio.Affine(0.05, 0, 366676 + row * 300, 0, -0.05,
                5808296 - col * 300),
            ):  # fmt: skip
                pass


def loveda(folder: Path) -> None:
    """Empty files: a dry run reads none."""
    data, number = config("loveda")["data"], iter(range(10_000))
    for (part, domain), count in LOVEDA.items():
        for _, i in zip(range(count), number, strict=False):
            for kind in ("images", "masks"):
                path = folder / data[kind].format(part=part, domain=domain, id=i)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()


@pytest.mark.parametrize(("name", "lay_out", "shards"), [("potsdam", potsdam, 38), ("loveda", loveda, 42)])
def test_the_whole_run_is_planned(tmp_path: Path, name: str, lay_out: Any, shards: int) -> None:
    lay_out(tmp_path)
    jobs = planned(tmp_path, name)
    assert jobs["tile_scenes"] == jobs["encode"] == shards
    networks, ratios, seeds = 3, 4, 3
    assert jobs["segment"] == networks * seeds * (1 + 3 * ratios)
    assert jobs["image_sample"] == 3 * config(name)["plan"]["shards"]


@pytest.mark.parametrize(("name", "train"), [("potsdam", 22 * 529), ("loveda", 2270 * 4)])
def test_pairs_suffice_for_every_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, train: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (potsdam if name == "potsdam" else loveda)(tmp_path)
    raw = config(name)
    data, tile = DataConfig.model_validate(raw["data"]), TileConfig.model_validate(raw["tile"])
    scenes = discover(data)
    labels = split_scenes(scenes, data.split)
    side = 6000 if name == "potsdam" else 1024
    windows = [t for s in scenes for t in tiles([(labels[s.name], Window(0, 0, side, side))], tile)]
    counts = Counter(label for label, _ in windows)
    assert counts["train"] == train
    mix, count = MixConfig.model_validate(raw["mix"]), raw["plan"]["count"]
    assert shortages(mix, {"landloom": count}, train) == []
    assert count >= 1.2 * train  # curate may reject a sixth
    (problem,) = shortages(mix, {"landloom": 4096}, train)
    assert f"Set it to {train} or more" in problem.remedy


def test_headers_of_potsdam_are_read_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    potsdam(tmp_path)
    data = DataConfig.model_validate(config("potsdam")["data"])
    facts = [survey.look(s, data, "train", 512) for s in discover(data)]
    assert {(f.height, f.width, f.bands, f.dtype) for f in facts} == {(6000, 6000, 3, np.dtype("u1").name)}

"""Every shipped config, over made-up files of the true names, number and sizes: the whole run is proved."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from landloom.commands import estimate as command
from landloom.orchestration import config_files, estimate
from landloom.orchestration.dag import Dag
from landloom.orchestration.estimate import Rate
from landloom.orchestration.resources import Tiles
from tests.public_sets import LAYOUTS
from tests.rasters import ROOT
from tests.test_workflow import environment

PAPER = ["deepglobe", "flair", "isaid", "loveda", "openearthmap", "potsdam", "vaihingen"]
"""Configs in the setting of Xu et al. 2025."""
TILES = {
    "config": (220, 24), "deepglobe": (562 * 25, 241 * 25), "dubai": (3285, 3465),
    "dubai-images": (3285, 3465), "flair": (49_368, 28_044), "harvey": (2760, 1192),
    "harvey-images": (2760, 1192), "isaid": (32_404, 15_818), "loveda": (2270 * 4, 1921 * 4),
    "openearthmap": (2700 * 4, 800 * 4), "potsdam": (22 * 529, 16 * 144), "vaihingen": (976, 422),
}  # fmt: skip
"""Train tiles and others."""
SHARDS = {"flair": 155, "loveda": 42, "potsdam": 38, "vaihingen": 33}
LOCAL = {"all", "check", "plan", "total", "job"}
"""Jobs of a plan that take nothing of a cluster, and its head and foot."""
SECONDS = 120
"""Within which the largest set is planned; it takes a quarter of it on a quiet machine."""


@pytest.fixture(scope="module", params=sorted(LAYOUTS))
def laid(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """Name of a config, and the folder with its files, where the test works."""
    folder = tmp_path_factory.mktemp(request.param)
    LAYOUTS[request.param](folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield request.param, folder


def shipped(name: str) -> Dag:
    return Dag(config_files.read([ROOT / f"config/{name}.yaml"]))


def counted(name: str) -> Tiles:
    """The tiles of a set by hand."""
    train, held_out = TILES[name]
    tile = shipped(name).config.tile.size
    return Tiles(train, held_out, *((5, tile, "float32") if name == "config" else (3, tile, "uint8")))


def planning(folder: Path, name: str) -> subprocess.Popen[str]:
    """A dry run in ``folder``, just begun."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--snakefile", str(ROOT / "Snakefile"),
         "--workflow-profile", "none", "--cores", "2", "--configfile", str(ROOT / f"config/{name}.yaml")],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(),
    )  # fmt: skip


def planned(run: subprocess.Popen[str]) -> dict[str, int]:
    """Jobs by rule of a dry run, without those that take nothing of a cluster."""
    said, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0, said[-3000:]
    rows = [line.split() for line in said.splitlines()]
    return {r[0]: int(r[1]) for r in rows if len(r) == 2 and r[1].isdigit() and r[0] not in LOCAL}


def test_no_shipped_config_is_left_out() -> None:
    assert {p.stem for p in (ROOT / "config").glob("*.yaml")} == set(LAYOUTS) == set(TILES)


def test_the_headers_give_the_tiles(laid: tuple[str, Path]) -> None:
    name, _ = laid
    if name == "flair":
        pytest.skip("minutes; see the slow test")
    assert command.surveyed(shipped(name).config) == counted(name)


def test_pairs_memory_and_time_suffice_for_the_jobs_that_are_planned(laid: tuple[str, Path]) -> None:
    name, folder = laid
    dag, tiles, run = shipped(name), counted(name), planning(folder, name)
    assert command.short(dag, tiles) == []
    found = [r for r in estimate.rows(dag, tiles, Rate()) if r.jobs]
    assert estimate.shortages(found) == []
    assert all(r.asked >= r.needed for r in found)
    assert all(r.seconds <= 60 * r.minutes * r.jobs for r in found)
    jobs = planned(run)
    assert {r.rule: r.jobs for r in found} == jobs
    assert jobs["tile_scenes"] == SHARDS.get(name, jobs["tile_scenes"])


@pytest.mark.parametrize("name", PAPER)
def test_the_setting_is_that_of_the_paper(name: str) -> None:
    config = shipped(name).config
    assert config.caption.backend == "qwen_vl"
    assert (config.base.source, config.tile.size) == ("stable-diffusion-v1-5/stable-diffusion-v1-5", 512)
    assert (config.mix.of, config.mix.ratios) == ("real", [0.2, 0.4, 0.6, 1.0])
    assert {n.architecture for n in config.segment.networks.values()} == {
        "DeepLabV3Plus",
        "PSPNet",
        "Segformer",
    }
    assert len(config.segment.seeds) == 3
    assert set(config.generators) == {"landloom", "no_proportion_loss", "oversampling"}
    assert config.plan.count >= 1.2 * counted(name).train  # curate may reject a sixth


@pytest.mark.slow
def test_the_headers_of_flair_give_its_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    LAYOUTS["flair"](tmp_path)
    assert command.surveyed(shipped("flair").config) == counted("flair")

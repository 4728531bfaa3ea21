"""Every shipped config, over made-up files of the true names, number and sizes: the whole run is proved."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from landloom.commands import estimate as command
from landloom.config.segment import SegmentConfig
from landloom.orchestration import config_files, estimate
from landloom.orchestration.dag import Dag
from landloom.orchestration.estimate import Rate
from landloom.orchestration.resources import Tiles
from landloom.orchestration.workload import Workload
from landloom.scenes.discovery import divided
from landloom.scenes.published import differences
from landloom.stages import check
from tests.public_sets import LAYOUTS
from tests.rasters import ROOT, real
from tests.test_workflow import environment

PAPER = ["deepglobe", "flair", "isaid", "loveda", "openearthmap", "potsdam", "vaihingen"]
"""Configs in the setting of Xu et al. 2025."""
TILES = {
    "config": (200, 32), "deepglobe": (562 * 25, 241 * 25), "dubai": (3285, 3465),
    "dubai-images": (3285, 3465), "flair": (49_369, 28_043), "harvey": (2760, 1192),
    "harvey-images": (2760, 1192), "isaid": (32_404, 15_818), "loveda": (2270 * 4, 1921 * 4),
    "openearthmap": (2700 * 4, 800 * 4), "potsdam": (22 * 529, 16 * 144), "vaihingen": (976, 422),
}  # fmt: skip
"""Train tiles and others."""
SHARDS = {"flair": 155, "loveda": 42, "potsdam": 38, "vaihingen": 33}
UNPUBLISHED = {"config", "harvey", "harvey-images"}
"""Sets whose authors state no numbers."""
LOCAL = {"all", "check", "plan", "total", "job"}
"""Jobs of a plan that take nothing of a cluster, and its head and foot."""
SECONDS = 300
"""Within which any set is planned: a few seconds on a quiet machine, and half a minute for FLAIR."""
large = pytest.param("flair", marks=pytest.mark.slow)
usual = pytest.mark.parametrize("laid", [*sorted(set(LAYOUTS) - {"flair"}), large], indirect=True)
every = pytest.mark.parametrize("laid", sorted(LAYOUTS), indirect=True)


@pytest.fixture(scope="module")
def laid(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:  # fmt: skip
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


def planned(folder: Path, name: str) -> dict[str, int]:
    """Jobs by rule of a dry run in ``folder``, without those that take nothing of a cluster."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--snakefile", str(ROOT / "Snakefile"),
         "--workflow-profile", "none", "--cores", "2", "--configfile", str(ROOT / f"config/{name}.yaml")],
        cwd=folder, capture_output=True, text=True, env=environment(), check=False, timeout=SECONDS,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    rows = [line.split() for line in said.splitlines()]
    return {r[0]: int(r[1]) for r in rows if len(r) == 2 and r[1].isdigit() and r[0] not in LOCAL}


def test_no_shipped_config_is_left_out() -> None:
    assert {p.stem for p in (ROOT / "config").glob("*.yaml")} == set(LAYOUTS) == set(TILES)


@usual
def test_the_headers_give_the_tiles(laid: tuple[str, Path]) -> None:
    name, _ = laid
    assert command.surveyed(shipped(name).config) == counted(name)


@usual
def test_the_whole_run_is_planned(laid: tuple[str, Path]) -> None:
    name, folder = laid
    jobs = planned(folder, name)
    assert {r: n for r, n in Workload(shipped(name), counted(name)).jobs.items() if n} == jobs
    assert jobs["tile_scenes"] == SHARDS.get(name, jobs["tile_scenes"])


@every
def test_pairs_memory_and_time_suffice(laid: tuple[str, Path]) -> None:
    name, _ = laid
    dag, tiles = shipped(name), counted(name)
    assert command.short(dag, tiles) == []
    found = [r for r in estimate.rows(dag, tiles, Rate()) if r.jobs]
    assert estimate.shortages(found) == []
    assert all(r.asked >= r.needed for r in found)
    assert all(r.seconds <= 60 * r.minutes * r.jobs for r in found)  # trainings, too, in one turn


@usual
def test_the_published_numbers_are_those_of_the_files(laid: tuple[str, Path]) -> None:
    name, _ = laid
    config = shipped(name).config
    stated = config.check.published
    assert (stated is None) == (name in UNPUBLISHED)
    if stated is None:
        return
    _, splits = divided(config.data)
    assert sum(stated.scenes.values()) == len(splits)
    assert list(differences(stated, splits, {})) == []
    del splits[min(splits)]
    (line,) = differences(stated, splits, {})
    assert f"{stated.source} states " in line
    assert "1 missing" in line
    if stated.shares:
        assert 0.97 < sum(stated.shares.values()) < 1.001  # FLAIR states six rare classes more


def test_a_whole_copy_of_dubai_has_its_published_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data/dubai").mkdir(parents=True)
    for tile in real("dubai-seg6").glob("Tile *"):
        Path("data/dubai", tile.name).symlink_to(tile)
    config, no_networks = shipped("dubai").config, SegmentConfig.model_construct(networks={})
    some = config.check.model_copy(update={"mask_pixels": 10_000_000})
    for expected in (0, 1):
        check.run(
            some, config.data, config.tile, config.base, no_networks, config.caption, config.features,
            config.mix, ["x"], [10_000], Path("check.json"),
        )  # fmt: skip
        said = capsys.readouterr().err
        assert said.count("Humans in the Loop states") == expected
        assert ("states 72 scenes in train+val+test, found 63: 9 missing" in said) == bool(expected)
        Path("data/dubai/Tile 8").unlink(missing_ok=True)


@pytest.mark.parametrize("laid", ["config"], indirect=True)
def test_the_command_prints_a_line_for_each_rule(
    laid: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    assert command.main(["--configfile", str(ROOT / "config/config.yaml"), "--tflops", "100"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines()[:3]] == ["rule", "tile_scenes", "ratios"]
    assert "200 train tiles and 32 others" in said
    assert "0.3 of 100 TFLOP/s" in said


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

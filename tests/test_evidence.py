"""The target ``evidence`` as a user runs it: the whole workflow once for each share of labels."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import CONFIG, scenes, snakemake

SMALL = CONFIG | {
    "generators": {"again": CONFIG["generators"]["oversampling"]},
    "plan": {"count": 12, "shards": 1},
    "evidence": {"labelled": [0.4, 0.7, 1.0]},
}
"""Three train scenes, of which one, two and three keep their labels; real tiles again in place of pairs."""
PLANNED = {
    "tile_scenes": 15, "ratios": 3, "plan": 3, "label_sample": 3, "image_sample": 3, "curate": 3, "mix": 6,
    "segment": 6, "evaluate": 3, "evidence": 1,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scenes(tmp_path)
    return tmp_path


def planned(folder: Path, target: str, **change: Any) -> dict[str, int]:
    """Jobs of a dry run by rule."""
    told = snakemake(folder, "-n", "--quiet", "rules", "--", target, config=SMALL | change)
    stats = told.split("Job stats:")[1].split("total")[0]
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+) +(\d+)$", stats, re.M)}


def test_each_share_is_a_whole_run_in_one_graph(folder: Path) -> None:
    assert planned(folder, "evidence") == PLANNED
    part = {rule: count // 3 for rule, count in PLANNED.items() if rule != "evidence"}
    assert planned(folder, "tables") == part | {"tables": 1}
    assert planned(folder, "results/tiny-labelled-0.4/evaluation/gain.csv") == part


def test_less_than_one_scene_is_refused_when_the_evidence_is_asked_for(folder: Path) -> None:
    few = {"evidence": {"labelled": [0.1, 1.0]}}
    with pytest.raises(AssertionError, match=r"evidence\.labelled: 0\.1 of 3 train scenes is less than one"):
        planned(folder, "evidence", **few)
    assert planned(folder, "tables", **few)["tables"] == 1


def test_a_ratio_that_a_share_cannot_fill_is_refused_before_any_job(folder: Path) -> None:
    """Of the 9 tiles of one scene, 0.05 is none; of the 27 of all three it is one."""
    config = SMALL | {"mix": {"ratios": [0.05, 0.2]}}
    with pytest.raises(AssertionError) as error:
        snakemake(folder, "--", "evidence", config=config)
    told = str(error.value)
    assert re.search(r"mix\.ratios: 0\.05 of up to 9 train tiles is less than one pair", told)
    assert "Checking tiny-labelled-0.4" in told
    assert not list(folder.glob("results/*/tiles"))


@pytest.mark.slow
def test_the_evidence_is_made_and_then_stands(folder: Path) -> None:
    snakemake(folder, "--", "evidence", config=SMALL)
    table = (folder / "results/tiny/evidence/gain.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in table[1::8]] == [["0.4", "9"], ["0.7", "18"], ["1.0", "27"]]
    assert (folder / "results/tiny/evidence/gain.png").stat().st_size > 10_000
    assert "Nothing to be done" in snakemake(folder, "-n", "--", "evidence", config=SMALL)
    more = SMALL | {"evidence": {"labelled": [0.4, 1.0]}}
    told = snakemake(folder, "-n", "--", "evidence", config=more)
    assert "evidence        1" in told
    assert "segment " not in told

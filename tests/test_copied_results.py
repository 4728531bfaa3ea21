"""Results without Snakemake's memory, with times that mean nothing, or from a backup: what runs again."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from landloom.orchestration.freshness import differences
from tests.tiny import CONFIG, rerun, scenes, snakemake

SMALL = {k: CONFIG[k] for k in ("dataset", "data", "check")} | {
    "tile": {"size": 32, "stride": 16, "scenes_per_shard": 3},
    "label_train": {"backend": "categorical", "threads": 1, "steps": 2, "batch": 4},
    "plan": {"count": 4, "shards": 1},
    "label_sample": {"steps": 2, "guidance": 1},
    "mix": {"ratios": [0.1]},
    "generators": {"landloom": {}},
}
"""Masks from a small network: no base, no images."""
MASKS = "results/tiny/landloom/masks/0.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which masks were made."""
    folder = tmp_path_factory.mktemp("made")
    scenes(folder)
    snakemake(folder, "--", "label", config=SMALL)
    yield folder
    shutil.rmtree(folder)


def shuffle(folder: Path) -> None:
    """Give each file and folder a time of its own, in no order."""
    files = sorted(p for p in folder.rglob("*") if ".snakemake" not in p.relative_to(folder).parts)
    for when, file in enumerate(random.Random(0).sample(files, len(files))):
        os.utime(file, (10**9 + when, 10**9 + when))


COPIES: dict[str, Callable[[Path, Path], Any]] = {
    "with times": lambda a, b: copied(a, b, shutil.copy2),
    "without times": lambda a, b: copied(a, b, shutil.copy),
    "shuffled": lambda a, b: (copied(a, b, shutil.copy), shuffle(b)),
    "shuffled in place": lambda a, b: (shutil.copytree(a, b), shuffle(b)),
}


def copied(source: Path, target: Path, copy: Callable[..., Any]) -> None:
    """Copy all but Snakemake's memory."""
    ignored = shutil.ignore_patterns(".snakemake")
    shutil.copytree(source, target, ignore=ignored, copy_function=copy)


@pytest.fixture(params=COPIES)
def copy(request: pytest.FixtureRequest, made: Path, tmp_path: Path) -> Path:
    """What became of the folder."""
    COPIES[request.param](made, tmp_path / "copy")
    return tmp_path / "copy"


def planned(folder: Path, *words: str, **change: Any) -> tuple[set[str], str]:
    """Rules that a dry run would run, and what it says."""
    told = snakemake(folder, "-n", *words, "--", "label", config=SMALL | change)
    return rerun(told) - {"label"}, told


def test_a_copy_is_not_made_again_and_a_changed_number_is_seen(copy: Path) -> None:
    assert planned(copy)[0] == set()
    stages, told = planned(copy, label_sample={"steps": 3, "guidance": 1})
    assert stages == {"label_sample"}
    assert f"{MASKS}: label_sample.steps was 2 and is 3" in told
    stages, told = planned(copy, label_train=SMALL["label_train"] | {"steps": 3})
    assert stages == {"label_train", "label_sample"}
    assert "results/tiny/landloom/label: label_train.steps was 2 and is 3" in told
    assert planned(copy, seed=1)[0] == {"plan", "label_train", "label_sample"}
    assert planned(copy)[0] == set()  # dry runs have left no trace of other settings


@pytest.fixture
def bare(made: Path, tmp_path: Path) -> Path:
    """A copy with times, without memory."""
    copied(made, tmp_path / "bare", shutil.copy2)
    return tmp_path / "bare"


def test_what_is_new_is_seen_in_a_copy(bare: Path) -> None:
    """A scene that has gone, and pixels that changed."""
    (bare / "images/e.tif").rename(bare / "e.tif")
    stages, told = planned(bare, data=SMALL["data"] | {"split": {"by": "scene", "val": ["d"], "test": ["c"]}})
    assert stages == {"tile_scenes", "ratios", "plan", "label_train", "label_sample"}
    (bare / "e.tif").rename(bare / "images/e.tif")
    assert planned(bare)[0] == set()
    shutil.copy(bare / "masks/a.tif", bare / "masks/e.tif")
    stages, told = planned(bare)
    assert stages == {"tile_scenes", "ratios", "plan", "label_train", "label_sample"}
    assert "tile_scenes         1" in told


def test_a_restored_backup_is_made_again(made: Path, bare: Path) -> None:
    """The command is the same, and the file is new; but it was made from another model."""
    more = {"label_train": SMALL["label_train"] | {"steps": 3}}
    snakemake(bare, "--", "label", config=SMALL | more)
    right = (bare / MASKS).read_bytes()
    assert planned(bare, **more)[0] == set()
    for name in (MASKS, f"{MASKS}.prov.json"):
        (bare / name).unlink()
        shutil.copy(made / name, bare / name)
    stages, told = planned(bare, **more)
    assert stages == {"label_sample"}
    assert f"{MASKS}: made from another results/tiny/landloom/label" in told
    snakemake(bare, "--", "label", config=SMALL | more)
    assert (bare / MASKS).read_bytes() == right
    assert planned(bare, **more)[0] == set()


def test_records_that_are_old_or_cut_short_are_not_believed(bare: Path) -> None:
    file = bare / f"{MASKS}.prov.json"
    text = file.read_text()
    file.write_text(json.dumps(json.loads(text) | {"version": 1}))
    stages, told = planned(bare)
    assert stages == {"label_sample"}
    assert f"{MASKS}: made by VERSION 1 of label_sample, which is" in told
    assert planned(bare, "--rerun-triggers", "mtime")[0] == set()  # only times count, who asks for it
    file.write_text(text[:100])
    stages, told = planned(bare)
    assert stages == {"label_sample"}
    assert "its record cannot be read" in told


def test_differences_of_commands_are_told_by_option() -> None:
    was = """python -m landloom plan --config '{"count":1,"goal":{"a":1}}' --seed 3  --tables """
    now = """python -m landloom plan --seed 4 --config '{"goal":{"a":2}}' --tables x.csv"""
    assert list(differences(was, now, "plan")) == [
        "plan.count was 1 and is left out", "plan.goal.a was 1 and is 2", "seed was 3 and is 4",
        "tables was  and is x.csv",
    ]  # fmt: skip
    assert not list(differences(was, was.replace("  ", " "), "plan"))

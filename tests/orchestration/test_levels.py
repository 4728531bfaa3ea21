"""Who reads which level of tiles."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from landloom.data.statistics import Statistics
from landloom.orchestration import resources, storage
from landloom.orchestration.dag import Dag
from landloom.orchestration.resources import Tiles
from landloom.orchestration.workload import Workload
from landloom.scenes.naming import coded, scaled
from tests.orchestration.test_dag import Wildcards, dag
from tests.tiny import CONFIG, rerun, scenes, snakemake

TOLD = {"image_train": {"metadata": {}}, "label_sample": {"metadata": {"others": "nearest"}}}
SCALES = {"size": 64, "scales": [1, 2, 4]}


def made(**more: Any) -> Dag:
    return dag(**{"tile": SCALES} | TOLD | more)


def test_a_level_has_the_name_of_no_scene() -> None:
    """A scene may be called as the shard of a level is."""
    assert scaled(coded("a"), 2) == "a~x2"
    assert coded("a~x2") == "a~7Ex2"
    assert (scaled("a", 1), scaled("00012", 4)) == ("a", "00012~x4")


def test_each_level_of_a_part_is_cut_by_a_job_of_its_own() -> None:
    found = made()
    assert list(found.levels.shards) == ["raleigh", "raleigh~x2", "raleigh~x4"]
    assert found.patterns()["scene"] == "raleigh|raleigh\\~x2|raleigh\\~x4"
    options = [found.told.options(Wildcards(scene=s)) for s in found.levels.shards]
    assert options == ["--scale 1", "--scale 2", "--scale 4"]
    for scene in found.levels.shards:
        assert found.part(Wildcards(scene=scene)) == ["raleigh"]
        assert found.levels.words(Wildcards(scene=scene)) == "raleigh"


def test_one_level_more_runs_no_other_again() -> None:
    """A job sees its own scale alone, and the audit expects that."""
    one, two, more = dag(tile={"size": 64}), made(tile={"size": 64, "scales": [1, 2]}), made()
    w = Wildcards(dataset="landsat7", scene="raleigh")
    assert one.section("tile")(w) == two.section("tile")(w) == more.section("tile")(w) == '{"size":64}'
    assert two.told.options(w) == more.told.options(w)
    assert one.told.options(w) == ""
    assert more.expected()["tile"] == one.expected()["tile"]


def test_who_is_told_the_scale_learns_all_levels_and_others_the_first() -> None:
    generators = {
        "told": {},
        "not": {"image_train": {"metadata": None}},
        "pix": {"image_train": {"backend": "pix2pix", "metadata": None}, "label_sample": {"source": "real"}},
        "masks": {"label_train": {"backend": "lora", "metadata": {}}},
    }
    found = made(generators=generators, base={"masks": True}).trained

    def names(kind: str, generator: str) -> list[str]:
        w = Wildcards(dataset="d", generator=generator)
        data = found.image_data(w) if kind == "image" else found.label_data(w)
        return [Path(p).stem for p in data.get("latents", data.get("tiles", []))]

    every = ["raleigh", "raleigh~x2", "raleigh~x4"]
    assert [names("image", g) for g in generators] == [every, ["raleigh"], ["raleigh"], every]
    assert [names("label", g) for g in ("told", "masks")] == [["raleigh"], every]
    assert found.image_models(Wildcards(dataset="d", generator="told")).get("tiles") is None


def test_estimates_count_all_levels() -> None:
    tiles = Tiles(train=160, held_out=16, bands=3, size=64, dtype="uint8")
    assert resources.at_all_scales(made().config, tiles) == Tiles(210, 21, 3, 64, "uint8")
    one, more = dag(tile={"size": 64}), made()
    before, after = (storage.data(d.config, d.trained, tiles) for d in (one, more))
    assert {r for r in before if after[r] > before[r]} == {"tile_scenes", "caption", "base", "encode"}
    jobs, several = (Workload(d, tiles).jobs for d in (one, more))
    assert {r: several[r] - n for r, n in jobs.items() if several[r] != n} == dict.fromkeys(
        ("tile_scenes", "caption", "encode"), 2
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("scales")
    scenes(made)
    return made


def test_the_workflow_cuts_all_levels_and_judges_by_the_first(folder: Path) -> None:
    """A dry run: five scenes at two scales; networks and plans read tiles of scale 1."""
    config = CONFIG | {"tile": {"size": 32, "stride": 16, "scales": [1, 2]}} | {
        "image_train": CONFIG["image_train"] | {"metadata": {}},
        "label_sample": CONFIG["label_sample"] | {"metadata": {"others": "nearest"}},
    }  # fmt: skip
    output = snakemake(folder, "-n", "--printshellcmds", config=config)
    assert {"tile_scenes", "base", "encode", "image_train", "segment"} <= rerun(output)
    rows = [line.split() for line in output.split("Job stats:")[-1].splitlines()]
    counts = dict(row for row in rows if len(row) == 2)
    assert [counts[r] for r in ("tile_scenes", "caption", "encode", "ratios")] == ["10", "10", "10", "1"]
    commands = re.findall(r"python -m landloom (\w+) (.*)", output)
    assert len(commands) == int(counts["total"]) - 1
    assert {name for name, words in commands if "~x2" in words} == {
        "tile", "caption", "base", "encode", "image_train",
    }  # fmt: skip
    scales = [re.search(r"--scale (\d)", words) for name, words in commands if name == "tile"]
    assert sorted(found[1] for found in scales if found) == ["1"] * 5 + ["2"] * 5


def test_statistics_know_nothing_of_levels() -> None:
    """So that a level more runs no judge again."""
    assert "scales" not in Statistics.model_fields
    assert yaml.safe_dump(made().config.tile.model_dump(exclude_defaults=True)) == yaml.safe_dump(SCALES)

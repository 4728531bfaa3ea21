"""The table of ways to make masks, and that of shares of labels: what they ask for, and who shows them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from landloom.errors import InputError
from landloom.orchestration import shares
from landloom.orchestration.dag import Dag
from tests.orchestration.test_dag import LORA, ROOT, Wildcards, dag, many


def test_default_rows_that_do_not_go_with_the_config_stop_the_table_alone() -> None:
    raw = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    del raw["label_table"]
    made = Dag(raw | {"tile": {"size": 72}, "label_train": {"backend": "lora"}, "base": {"masks": True}})
    assert made.trained.label_models(Wildcards(dataset="d", generator="diffusion"))
    with pytest.raises(InputError, match=r"^label_table/categorical-best: tile\.size: 72 is no"):
        made.trained.label_models(Wildcards(dataset="d", generator="label_table/categorical-best"))


def test_generators_of_the_label_table_share_models() -> None:
    made = dag(**LORA, label_sample={"guidance": 5.0})
    wildcards = Wildcards(dataset="d", generator="label_table/categorical-best")
    assert made.trained.label_models(wildcards) == {"model": ["results/d/label_table/categorical/label"]}
    assert json.loads(made.section("label_sample")(wildcards)) == {"guidance": 5.0, "control": {"tries": 4}}
    assert made.plan_split(wildcards) == "test"
    assert made.plan_split(Wildcards(dataset="d", generator="landloom")) == "train"
    assert len(made.table_masks()) == 12
    assert "label_table/lora" in made.patterns()["generator"].replace("\\", "")


def test_the_ablation_is_in_the_report_only_on_demand() -> None:
    w = Wildcards(dataset="landsat7")
    assert not any("ablation" in t for t in dag().tables(w))
    assert any("label_ablation.csv" in t for t in dag(report={"label_table": True}).tables(w))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"generators": {"a": {"label_train": {"stepz": 1}}}}, r"generators\.a\.label_train\.stepz: no such"),
        ({"plan": {"mixes": {"m": {"goal": "boost", "boost": {"lava": 2}}}}}, "no class is called lava"),
    ],
)
def test_errors_in_the_label_table_name_the_row(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dag(label_table=table)


def sections(made: Dag, dataset: str) -> dict[str, str]:
    """What jobs of a dataset are told."""
    w = Wildcards(dataset=dataset, generator="next", network="pspnet")
    stages = ("data", "tile", "base", "image_train", "image_sample", "mix", "segment", "evaluate", "curate")
    return {s: made.section(s)(w) for s in stages}


def test_shares_of_labels_differ_in_data_alone_and_in_the_models_they_begin_from() -> None:
    generators = {"first": {}, "next": {"image_train": {"start": "results/landsat7/first/image"}}}
    made = dag(generators=generators, evidence={"labelled": [0.25, 1.0]})
    whole, part = sections(made, "landsat7"), sections(made, "landsat7-labelled-0.25")
    assert {s for s in whole if whole[s] != part[s]} == {"data", "image_train"}
    assert json.loads(part["data"])["split"]["labelled"] == 0.25
    w = Wildcards(dataset="landsat7-labelled-0.25", generator="next")
    assert made.image_data(w)["start"] == ["results/landsat7-labelled-0.25/first/image"]
    assert json.loads(made.settings(w))["dataset"] == "landsat7-labelled-0.25"
    assert made.command(w).endswith("-- results/landsat7-labelled-0.25/report")


def test_scenes_beyond_the_share_have_no_mask() -> None:
    data = many(10) | {"split": {"by": "scene", "val": ["s0"], "test": ["s1"]}}
    made = dag(data=data, evidence={"labelled": [0.25, 1.0]})
    splits = {d: {s: made.split(Wildcards(dataset=d, scene=s)) for s in made.parts}
              for d in ("landsat7", "landsat7-labelled-0.25")}  # fmt: skip
    counts = {d: list(found.values()).count("train") for d, found in splits.items()}
    assert counts == {"landsat7": 8, "landsat7-labelled-0.25": 2}
    for scene, split in splits["landsat7-labelled-0.25"].items():
        w = Wildcards(dataset="landsat7-labelled-0.25", scene=scene)
        assert len(made.masks(w)) == (split != "unlabelled")
        assert len(made.masks(Wildcards(dataset="landsat7", scene=scene))) == 1
    # The check looks at the files that the share uses, and at no others.
    assert len(made.rasters(w)) == len(made.files(None)) - 6


def test_the_share_of_the_run_itself_is_not_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(10):
        Path(f"{i}.tif").touch()
        Path(f"{i}.png").touch()
    data = many(10, ".") | {"split": {"by": "scene", "val": ["s0"], "test": ["s1"], "labelled": 0.5}}
    made = dag(data=data, evidence={"labelled": [0.5, 1.0]})
    assert shares.tables(made, "gain")(Wildcards()) == [
        "results/landsat7/evaluation/gain.csv", "results/landsat7-labelled-1/evaluation/gain.csv",
    ]  # fmt: skip
    # Scenes are counted with all labels, not with those of the run.
    with pytest.raises(
        InputError, match=r"evidence\.labelled: 0\.05, 0\.1 of 8 train scenes is .*Give 0\.125"
    ):
        shares.tables(dag(data=data, evidence={"labelled": [0.05, 0.1, 0.5]}), "gain")(Wildcards())
    # A mask that this run does not use may be missing, but not where another share uses it.
    hidden = next(s for s, split in made.splits.items() if split == "unlabelled")
    Path(f"{hidden[1:]}.png").unlink()
    made = dag(data=data, evidence={"labelled": [0.5, 1.0]})
    made.require_files()
    with pytest.raises(InputError, match=rf"the mask of scene '{hidden}' does not exist"):
        shares.tables(made, "gain")(Wildcards())


def test_the_evidence_is_in_the_report_of_the_run_on_demand() -> None:
    w = {d: Wildcards(dataset=d) for d in ("landsat7", "landsat7-labelled-0.25")}
    some = {"evidence": {"labelled": [0.25, 1.0]}}
    assert shares.shown(dag(**some))(w["landsat7"]) == []
    made = dag(**some, report={"evidence": True})
    found = [shares.shown(made)(w[d]) for d in w]
    assert found == [["results/landsat7/evidence/gain.csv"], []]


def test_the_label_table_is_in_the_report_of_the_run_alone() -> None:
    made = dag(report={"label_table": True}, evidence={"labelled": [0.25, 1.0]})
    assert not any("ablation" in t for t in made.tables(Wildcards(dataset="landsat7-labelled-0.25")))

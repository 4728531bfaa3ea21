from typing import Any

import pytest
import yaml

from landloom.config.detect import Detector
from landloom.errors import InputError
from landloom.orchestration import judging
from landloom.orchestration.dag import Dag
from tests.orchestration.test_dag import ROOT, Wildcards, dag

DETECT = {"networks": {"centre": {"width": 32}, "other": {}}, "seeds": [4, 5]}


def detecting(kind: str = "rotated", **more: Any) -> Dag:
    """A run whose detectors look for objects of the data."""
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"]
    objects = {"format": "geojson", "path": "cars.gpkg", "classes": ["car"], "kind": kind}
    return dag(**{"detect": DETECT, "data": data | {"objects": objects}} | more)


def test_without_detectors_nothing_is_asked_of_them() -> None:
    made = dag()
    assert made.detectors() == []
    assert judging.detect_option(made) == ""
    assert not any("detection" in t for t in made.tables(Wildcards(dataset="d")))
    assert not any("/detect/" in m for m in made.training_metrics())


def test_detectors_are_trained_on_each_mix_with_each_seed() -> None:
    made = detecting(generators={"g": {}}, mix={"ratios": [0.5]})
    root = "results/{dataset}/detect"
    wanted = [
        f"{root}/{mix}/{n}/{s}" for mix in ("real/0", "g/0.5") for n in ("centre", "other") for s in (4, 5)
    ]
    assert made.detectors() == wanted
    assert f"{root}/g/0.5/other/5.metrics.jsonl" in made.training_metrics()
    assert "results/d/evaluation/detection.csv" in made.tables(Wildcards(dataset="d"))
    assert "centre" in made.patterns()["network"]
    assert "--detect '{" in judging.detect_option(made)


def test_a_job_of_a_detector_gets_its_own_network_and_no_seeds() -> None:
    made = detecting()
    found = judging.section(made.config, "detect", "centre")
    assert found.networks == {"centre": Detector(width=32)}
    assert found.seeds == [0, 1, 2]
    text = '{"networks":{"centre":{"width":32}},"kind":"rotated"}'
    assert made.section("detect")(Wildcards(network="centre")) == text
    assert made.expected()["centre/detect"]["networks"] == {"centre": Detector(width=32).model_dump()}


def test_detectors_look_for_boxes_of_the_kind_that_the_data_have() -> None:
    assert judging.detect(detecting("horizontal").config).kind == "horizontal"
    own = detecting("horizontal", detect=DETECT | {"kind": "rotated"})
    assert judging.detect(own.config).kind == "rotated"
    assert '"kind":"horizontal"' in judging.detect_option(detecting("horizontal"))


def test_curation_asks_a_detector_of_real_tiles_alone() -> None:
    made = detecting(generators={"g": {"curate": {"detector": "other"}}, "h": {}})
    asked = [made.detector(Wildcards(dataset="d", generator=g)) for g in ("g", "h")]
    assert asked == [["results/d/detect/real/0/other/4"], []]
    assert [judging.option(a) for a in asked] == ["--detector results/d/detect/real/0/other/4", ""]
    assert "detector" not in made.section("curate")(Wildcards(generator="g"))
    with pytest.raises(InputError, match=r"curate\.detector: 'none' is not one of detect\.networks"):
        detecting(curate={"detector": "none"})


def test_a_network_with_a_baseline_is_trained_on_real_tiles_alone() -> None:
    networks = {"plain": {}, "weighted": {"class_weights": "inverse_sqrt", "baseline": "plain"}, "other": {}}
    made = dag(segment={"networks": networks, "seeds": [0]}, generators={"g": {}}, mix={"ratios": [0.5]})
    root = "results/{dataset}/segment"
    assert judging.trainings(made, "segment") == [
        *(f"{root}/real/0/{n}/0" for n in networks), *(f"{root}/g/0.5/{n}/0" for n in ("plain", "other")),
    ]  # fmt: skip
    own = judging.section(made.config, "segment", "weighted")
    assert list(own.networks) == ["weighted", "plain"]  # what its job reads is a config that holds
    assert type(own).model_validate_json(own.model_dump_json()) == own


@pytest.mark.parametrize("stage", judging.JUDGES)
def test_names_of_networks_stand_in_paths(stage: str) -> None:
    with pytest.raises(InputError, match="may hold letters, digits"):
        dag(**{stage: {"networks": {"a/b": {}}}})

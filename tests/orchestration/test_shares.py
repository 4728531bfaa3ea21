"""Runs with other shares of labels."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from landloom.config import Config, load
from landloom.config.evidence import EvidenceConfig
from landloom.errors import InputError
from landloom.orchestration import shares

ROOT = Path(__file__).parents[2]


def config(**more: Any) -> Config:
    return load(yaml.safe_load((ROOT / "config/config.yaml").read_text()) | more)


def test_each_other_share_has_a_folder_of_its_own() -> None:
    found = shares.others(config(evidence={"labelled": [1.0, 0.125, 0.5]}))
    assert [c.dataset for c in found] == ["landsat7-labelled-0.125", "landsat7-labelled-0.5"]
    assert [c.data.split.labelled for c in found] == [0.125, 0.5]


def test_models_from_elsewhere_stay_and_those_of_the_run_are_the_shares_own() -> None:
    generators = {
        "a": {},
        "b": {"image_train": {"start": "results/landsat7/a/image", "steps": 7}},
        "c": {"image_train": {"start": "results/landsat7-old/a/image"}},
    }
    of_all = {"start": "results/landsat7/a/image"}
    found = shares.with_share(config(generators=generators, image_train=of_all), 0.5)
    starts = {g: found.section("image_train", g).model_dump()["start"] for g in generators}
    assert starts == {
        "a": "results/landsat7-labelled-0.5/a/image",
        "b": "results/landsat7-labelled-0.5/a/image",
        "c": "results/landsat7-old/a/image",
    }
    assert found.section("image_train", "b").model_dump()["steps"] == 7


def test_less_than_one_scene_is_refused() -> None:
    shares.require(EvidenceConfig(labelled=[0.333, 1.0]), 3)
    shares.require(EvidenceConfig(labelled=[0.001]), 0)  # blocks, not known yet
    message = (
        r"^evidence\.labelled: 0\.1, 0\.3 of 3 train scenes is less than one scene\. Give 0\.334 or more"
    )
    with pytest.raises(InputError, match=message):
        shares.require(EvidenceConfig(labelled=[0.1, 0.3, 0.5]), 3)


@pytest.mark.parametrize(
    ("labelled", "message"),
    [
        ([0.0, 0.5], r"evidence\.labelled\.0: .*greater than 0 \(found 0\.0\)"),
        ([0.5, 1.5], r"evidence\.labelled\.1: .*less than or equal to 1 \(found 1\.5\)"),
        ([0.5, 1.0, 0.5], r"evidence: labelled: a share is given twice"),
        ([], r"evidence\.labelled: .*at least 1 item"),
    ],
)
def test_shares_that_are_none_are_named(labelled: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        config(evidence={"labelled": labelled})


def test_no_network_may_be_called_as_all_of_them_are() -> None:
    with pytest.raises(InputError, match=r"networks: 'all' stands for all of them"):
        config(segment={"networks": {"all": {}}})

"""What a model folder says of itself: where it is from, how it is used, and that nobody licensed it."""

from pathlib import Path

import pytest
import yaml

from landloom.config.detect import DetectConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.segment import Network, SegmentConfig
from landloom.data.statistics import ClassInfo
from landloom.models import cards
from landloom.segmentation import networks
from tests import bases

DATASET = bases.dataset().model_copy(update={"objects": [ClassInfo(name="a|b", color="#ff0000")]})
CARDS = {
    "lora": cards.lora(DATASET, LabelTrainConfig(), "StableDiffusionPipeline"),
    "categorical": cards.categorical(DATASET, LabelTrainConfig()),
    "controlnet": cards.controlnet(DATASET, ImageTrainConfig(), "ControlNetModel", None),
    "translation": cards.translation(DATASET, ImageTrainConfig(), "Pix2Pix"),
    "segmentation": cards.segmentation(DATASET, SegmentConfig(), "4 real tiles"),
    "detector": cards.detector(DATASET, DetectConfig(), "4 real tiles"),
}


@pytest.mark.parametrize("kind", CARDS)
def test_a_card_says_source_use_classes_and_licence(kind: str) -> None:
    _, head, body = CARDS[kind].split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "other"
    assert "Landloom states none" in body
    assert f"dataset `{DATASET.name}`: {DATASET.tiles['train']} train tiles" in body
    assert "Load with `" in body
    rows = [line for line in body.splitlines() if line.startswith("| ")][1:]
    assert rows == (
        ["| 0 | a\\|b | #ff0000 |"]
        if kind == "detector"
        else [f"| {i} | {c.name} | {c.color} |" for i, c in enumerate(DATASET.classes)]
    )


def test_how_a_segmentation_network_wants_its_input() -> None:
    dataset = DATASET.model_copy(update={"low": [1.0, 2.5, 3.0], "high": [100.0, 200.0, 300.5]})
    said = cards.segmentation(dataset, SegmentConfig(), "4 real tiles and 2 samples")
    assert "1, 2.5, 3 become -1 and 100, 200, 300.5 become 1" in said
    assert "trained on 4 real tiles and 2 samples." in said


def test_a_network_has_no_licence_of_the_library_that_wrote_it(tmp_path: Path) -> None:
    networks.save(networks.build(Network(architecture="FPN", encoder="mobilenet_v2"), 3, 2), tmp_path / "m")
    assert not (tmp_path / "m/README.md").exists()

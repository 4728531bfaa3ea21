from pathlib import Path

import pytest

from landloom.config.base import BaseConfig
from landloom.errors import InputError
from landloom.models.hub import locate
from landloom.provenance import records


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert locate(BaseConfig(source=str(tmp_path))) == tmp_path


def test_the_digest_must_agree(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("abc")
    right = records.digest(tmp_path)
    assert locate(BaseConfig(source=str(tmp_path), sha256=right)) == tmp_path
    with pytest.raises(InputError, match=f"digest {right}"):
        locate(BaseConfig(source=str(tmp_path), sha256="0" * 64))


@pytest.mark.parametrize("source", ["org/model", "models/gone"])
def test_a_hub_id_needs_a_revision(source: str) -> None:
    with pytest.raises(InputError, match="no folder, and as a hub id it has no revision"):
        locate(BaseConfig(source=source))


@pytest.mark.parametrize("download", [False, True])
def test_a_model_that_cannot_be_had_is_an_input_error(download: bool) -> None:
    with pytest.raises(InputError, match=f"'org/model' at {'a' * 40} is not in the local cache"):
        locate(BaseConfig(source="org/model", revision="a" * 40, download=download))


@pytest.mark.parametrize("source", ["/gone/with/the/model", "../models/gone"])
def test_a_wrong_path_with_a_revision_is_an_input_error(source: str) -> None:
    with pytest.raises(InputError, match=r"base\.source"):
        locate(BaseConfig(source=source, revision="a" * 40))


def test_a_cached_snapshot_is_found(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--org--model" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text("{}")
    assert locate(BaseConfig(source="org/model", revision="a" * 40)) == snapshot

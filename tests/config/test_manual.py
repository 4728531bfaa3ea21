import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from landloom.config import Config, manual

CONFIGS = sorted((manual.ROOT / "config").glob("*.yaml"))


def validator() -> Draft202012Validator:
    body = json.loads(manual.SCHEMA.read_text())
    Draft202012Validator.check_schema(body)
    return Draft202012Validator(body)


def shipped(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text())
    assert isinstance(found, dict)
    return found


def test_schema_and_manual_are_up_to_date() -> None:
    assert manual.main(["--check"]) == 0, "run python -m landloom.config.manual"


def test_a_change_is_noticed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = manual.README.read_text().replace("| `size` |", "| `sise` |")
    monkeypatch.setattr(manual, "ROOT", tmp_path)
    monkeypatch.setattr(manual, "README", tmp_path / "README.md")
    monkeypatch.setattr(manual, "SCHEMA", tmp_path / "schemas/config.schema.json")
    (tmp_path / "README.md").write_text(old)
    assert manual.main(["--check"]) == 1
    assert manual.main([]) == 0
    assert manual.main(["--check"]) == 0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_the_schema_takes_the_shipped_configs(path: Path) -> None:
    assert [e.message for e in validator().iter_errors(shipped(path))] == []
    assert path.read_text().startswith(
        "# yaml-language-server: $schema=../workflow/schemas/config.schema.json\n"
    )


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ([], "segmnt"),
        (["tile"], "sise"),
        (["data", "split"], "bye"),
        (["data", "classes", 0], "colour"),
        (["base", "vae"], "stepps"),
        (["generators", "landloom"], "segment"),
        (["generators", "oversampling", "label_sample"], "sauce"),
    ],
)
def test_the_schema_refuses_a_misspelt_key(place: list[Any], key: str) -> None:
    config = copy.deepcopy(shipped(manual.ROOT / "config/config.yaml"))
    node: Any = config
    for step in place:
        node = node[step]
    node[key] = {}
    errors = [e.message for e in validator().iter_errors(config)]
    assert any(key in e for e in errors), errors


def test_every_key_has_a_meaning() -> None:
    for model in manual.models(Config):
        for key, field in model.model_fields.items():
            section = isinstance(field.default, manual.BaseModel) or field.annotation in manual.models(Config)
            assert section or manual.meaning(model, key), f"{model.__name__}.{key}"


def test_inner_keys_are_written_with_dots() -> None:
    assert "| `vae.steps` | integer, at least 1 | `2500` | Optimiser steps. |" in manual.table("base")
    for key in ("classes[].values", "scenes[].mask", "split.by"):
        assert f"| `{key}` |" in manual.table("data")
    assert "| `mixes.<name>.boost` |" in manual.table("plan")
    assert "| `networks.<name>.encoder` |" in manual.table("segment")


def test_a_section_without_a_place_is_an_error() -> None:
    text = manual.README.read_text().replace("<!-- generated: tile -->", "")
    with pytest.raises(ValueError, match="tile"):
        manual.readme(text)

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from landloom.config import load
from landloom.orchestration import preflight

ROOT = Path(__file__).parents[2]


def config(**more: Any) -> Any:
    return load(yaml.safe_load((ROOT / "config/config.yaml").read_text()) | more)


def test_an_optimizer_whose_package_is_missing_is_named_before_any_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[Any] = [None]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found[0])
    assert not list(preflight.lacking(config()))
    eight = {"optimizer": "adamw_8bit"}
    base = yaml.safe_load((ROOT / "config/config.yaml").read_text())["base"]
    ours = config(base=base | {"unet": base["unet"] | eight}, generators={"g": {"image_train": eight}})
    assert [line.split(":")[0] for line in preflight.lacking(ours)] == ["base", "image_train"]
    found[0] = object()
    assert not list(preflight.lacking(ours))

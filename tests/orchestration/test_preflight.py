"""What cannot work is said before any job starts: by the base at hand, or for want of a package."""

import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from landloom.config import load
from landloom.orchestration import preflight
from tests import bases, families
from tests.config.test_config import raw


@pytest.fixture(scope="module")
def sd3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sd3")
    families.sd3().save(folder)
    return folder


def said(folder: Path, **more: Any) -> list[str]:
    config = load(raw(base={"source": str(folder)}, tile={"size": bases.SIDE}, **more))
    return list(preflight.unfit(config))


def test_settings_that_work_say_nothing(sd3: Path) -> None:
    assert said(sd3, image_train={"metadata": {}, "lora": 4}) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_train": {"vector": {"tokens": 2}}}, "label_train.vector.tokens: 2 cannot be had with"),
        ({"image_train": {"unlock": True}}, "image_train.unlock: True cannot be had .* no decoder"),
        ({"image_train": {"channels": [16, 32]}}, "image_train.channels: .* through its autoencoder"),
    ],
)  # fmt: skip
def test_what_stable_diffusion_3_cannot_do(sd3: Path, changes: dict[str, Any], message: str) -> None:
    (found,) = said(sd3, **changes)
    assert re.search(message, found)


def test_what_is_never_trained_is_no_problem(sd3: Path) -> None:
    changes = {"backend": "categorical", "vector": {"tokens": 2}}
    assert said(sd3, label_train=changes, image_train={"backend": "pix2pix", "unlock": True}) == []


def test_an_incomplete_folder_is_left_to_the_check(sd3: Path, tmp_path: Path) -> None:
    shutil.copytree(sd3, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy/vae")
    assert said(tmp_path / "copy", image_train={"unlock": True}) == []


def test_an_optimizer_whose_package_is_missing_is_named_before_any_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[Any] = [None]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found[0])
    assert not list(preflight.lacking(load(raw())))
    eight = {"optimizer": "adamw_8bit"}
    ours = load(raw(base={"unet": eight}, generators={"g": {"image_train": eight}}))
    assert [line.split(":")[0] for line in preflight.lacking(ours)] == ["base", "image_train"]
    found[0] = object()
    assert not list(preflight.lacking(ours))

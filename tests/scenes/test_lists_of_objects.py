from pathlib import Path
from typing import Any

import pytest

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.scenes.discovery import discover


def boxes(folder: Path, path: str = "l/{scene}.txt", **more: Any) -> DataConfig:
    """A config with objects and no masks."""
    objects = {"format": "dota", "path": f"{folder}/{path}", "classes": ["ship"]}
    return DataConfig.model_validate({"objects": objects} | more)


def test_scenes_with_objects_need_no_mask_and_know_their_list(tmp_path: Path) -> None:
    (tmp_path / "i/x").mkdir(parents=True)
    (tmp_path / "i/x/a.tif").touch()
    images = f"{tmp_path}/i/{{area}}/{{part}}.tif"
    (scene,) = discover(boxes(tmp_path, "l/{area}-{part}.txt", images=images))
    assert (scene.name, scene.mask, scene.objects) == ("x_a", None, tmp_path / "l/x-a.txt")
    (scene,) = discover(boxes(tmp_path, images=images))
    assert scene.objects == tmp_path / "l/x_a.txt"
    with pytest.raises(
        InputError, match=r"data\.objects\.path: has the wildcard {other}, and scenes have scene, "
    ):
        discover(boxes(tmp_path, "l/{other}.txt", images=images))
    (scene,) = discover(boxes(tmp_path, scenes=[{"name": "s", "images": ["a.tif"]}]))
    assert (scene.mask, scene.objects) == (None, tmp_path / "l/s.txt")
    (tmp_path / "m.csv").write_text("scene,image\ns,a.tif\n")
    (scene,) = discover(boxes(tmp_path, manifest=f"{tmp_path}/m.csv"))
    assert (scene.mask, scene.objects) == (None, tmp_path / "l/s.txt")


def test_masks_beside_objects_need_classes(tmp_path: Path) -> None:
    scenes = [{"name": "a", "images": ["a.tif"], "mask": "m.tif"}]
    with pytest.raises(ValueError, match="scene 'a' has a mask; give classes"):
        boxes(tmp_path, scenes=scenes)
    with pytest.raises(ValueError, match="masks need classes"):
        boxes(tmp_path, images="i/{s}.tif", masks="m/{s}.tif")
    (tmp_path / "m.csv").write_text("scene,image,mask\ns,a.tif,m.tif\n")
    with pytest.raises(InputError, match=r"it has a mask\. Give data\.classes"):
        discover(boxes(tmp_path, manifest=f"{tmp_path}/m.csv"))

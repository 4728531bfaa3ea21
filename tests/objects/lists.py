"""Small lists of objects for tests."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from landloom.config.objects import ObjectsConfig
from landloom.objects import scene_objects
from landloom.objects.marks import View
from landloom.objects.scene_objects import SceneObjects

NAMES = ["ship", "plane"]


def view(name: str = "a", height: int = 100, width: int = 200, **more: Any) -> View:
    return View(name, Path(f"images/{name}.tif"), height, width, **more)


def config(form: str, path: Path, **more: Any) -> ObjectsConfig:
    return ObjectsConfig.model_validate({"format": form, "path": str(path), "classes": NAMES} | more)


def text(folder: Path, form: str, *rows: str, **more: Any) -> SceneObjects:
    """What is found in a text file with these lines, for an image of 200 x 100 pixels."""
    (folder / "a.txt").write_text("\n".join(rows) + "\n")
    return scene_objects.of(view(), config(form, folder / "{scene}.txt", **more), folder / "a.txt")


def coco(
    folder: Path, *annotations: dict[str, Any], image: dict[str, Any] | None = None, **more: Any
) -> SceneObjects:
    """What is found in a COCO file with these annotations of one image."""
    path = folder / "all.json"
    entry = {"id": 7, "file_name": "a.tif", "width": 200, "height": 100} | (image or {})
    body = {
        "images": [entry],
        "categories": [{"id": i + 1, "name": n} for i, n in enumerate(NAMES)],
        "annotations": [{"id": i, "image_id": 7, "category_id": 1} | a for i, a in enumerate(annotations)],
    }
    path.write_text(json.dumps(body))
    return scene_objects.of(view(), config("coco", path, **more), path)


def corners(found: SceneObjects, row: int = 0) -> list[list[float]]:
    assert found.problems == []
    assert found.objects is not None
    quad: list[list[float]] = np.round(found.objects[row].quad(), 6).tolist()
    return quad


def problem(found: SceneObjects) -> str:
    assert len(found.problems) == 1
    return str(found.problems[0])

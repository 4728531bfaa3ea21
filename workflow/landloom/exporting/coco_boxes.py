"""COCO: one annotation per object, its four corners as a polygon.

Category ids count from 1. ``file_name`` is relative to ``imagefolder/train``.
"""

from itertools import count
from typing import Any

import numpy as np

from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.exporting import boxes
from landloom.exporting.coco import head
from landloom.exporting.collection import Collection, write_json


class CocoBoxes:
    """Writes ``coco-boxes/annotations.json``."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.ids = count(1)  # COCO's own evaluation takes 0 for "no match"

    def add(self, sample: Sample) -> None:
        """Describe one image and each object in it; not an image that nobody looked at."""
        objects = boxes.shown(sample)
        if objects is None:
            return
        height, width = sample.mask_array().shape
        image = len(self.images) + 1
        size = {"height": height, "width": width}
        self.images.append({"id": image, "file_name": f"{sample.id}.png", "license": 1} | size)
        for one in objects:
            ids = {"id": next(self.ids), "image_id": image, "category_id": one.category + 1}
            self.annotations.append(ids | annotation(one, (height, width)))

    def close(self) -> None:
        """Write the file."""
        classes = self.collection.statistics.objects or []
        body = head(self.collection) | {
            "categories": [
                {"id": i, "name": c.name, "supercategory": "object"} for i, c in enumerate(classes, 1)
            ],
            "images": self.images,
            "annotations": self.annotations,
        }
        write_json(self.collection.folder("coco-boxes") / "annotations.json", body)


def annotation(one: Object, shape: tuple[int, int]) -> dict[str, Any]:
    """Corners as they are; box (x, y, width, height) and area of what an image (rows, columns) shows.

    ``iscrowd`` is 1 for difficult objects: COCO's evaluation neither asks for them nor counts them as wrong.
    """
    points, area = boxes.part(one.quad(), shape)
    start, end = points.min(0), points.max(0)
    return {
        "segmentation": [one.quad().ravel().tolist()],
        "area": area,
        "bbox": np.concatenate([start, end - start]).tolist(),
        "iscrowd": int(one.difficult),
    }

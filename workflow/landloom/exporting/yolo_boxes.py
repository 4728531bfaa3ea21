"""YOLO: pictures, and one line of text per object, in shares of the image's sides."""

import numpy as np

from landloom.data.samples import Sample
from landloom.exporting import boxes, pictures
from landloom.exporting.collection import Collection
from landloom.exporting.yolo import line, write_card
from landloom.objects.shapes import Quad


class YoloBoxes:
    """Writes ``yolo-boxes/images/train/<id>.png``, ``yolo-boxes/labels/train/<id>.txt`` and ``data.yaml``."""

    name = "yolo-boxes"

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.images = collection.folder(f"{self.name}/images/train")
        self.labels = collection.folder(f"{self.name}/labels/train")

    def add(self, sample: Sample) -> None:
        """Write a picture, and a line for each object; nothing of an image that nobody looked at."""
        objects = boxes.shown(sample)
        if objects is None:
            return
        shape = sample.mask_array().shape
        (self.images / f"{sample.id}.png").write_bytes(pictures.picture(self.collection, sample))
        text = "".join(line(o.category, self.numbers(o.quad(), shape), shape) for o in objects)
        (self.labels / f"{sample.id}.txt").write_text(text)

    def close(self) -> None:
        """Write ``data.yaml``: the folders, and the names of the classes."""
        names = [c.name for c in self.collection.statistics.objects or []]
        write_card(self.collection, self.collection.folder(self.name), names)

    def numbers(self, quad: Quad, shape: tuple[int, ...]) -> Quad:
        """Centre, and width and height of the level box around what is in the image; pixels, (2, 2)."""
        points, _ = boxes.part(quad, shape)
        start, end = points.min(0), points.max(0)
        return np.array([(start + end) / 2, end - start])


class YoloObb(YoloBoxes):
    """Writes ``yolo-obb/...`` likewise, with four corners in place of centre and sides."""

    name = "yolo-obb"

    def numbers(self, quad: Quad, shape: tuple[int, ...]) -> Quad:
        """Corners (4, 2), none of them outside of the image; pixels."""
        return boxes.cut(quad, shape)

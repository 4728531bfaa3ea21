"""YOLO segmentation: pictures, and one line of text per region."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from landloom.data.samples import Sample
from landloom.exporting import pictures
from landloom.exporting.collection import Collection
from landloom.raster.outlines import Ring, outlines

HEAD = """# {name}. {statement}. Licence: {license}.
# Paths are relative to this file. `val` is for real images of yours: synthetic ones are to train on.
"""


class Yolo:
    """Writes ``yolo-seg/images/train/<id>.png``, ``yolo-seg/labels/train/<id>.txt`` and ``data.yaml``."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.root = collection.folder("yolo-seg")
        self.images = collection.folder("yolo-seg/images/train")
        self.labels = collection.folder("yolo-seg/labels/train")

    def add(self, sample: Sample) -> None:
        """Write a picture, and the class and corners of each region in it; ignored pixels are background."""
        mask = sample.mask_array()
        (self.images / f"{sample.id}.png").write_bytes(pictures.picture(self.collection, sample))
        found = sorted(outlines(mask), key=lambda region: region[0])
        text = "".join(line(category, ring, mask.shape) for category, ring in found)
        (self.labels / f"{sample.id}.txt").write_text(text)

    def close(self) -> None:
        """Write ``data.yaml``: the folders, and the names of the classes."""
        write_card(self.collection, self.root, self.collection.statistics.names)


def write_card(collection: Collection, root: Path, names: Sequence[str]) -> None:
    """Write ``data.yaml`` for the classes with these names."""
    c = collection
    head = HEAD.format(name=f"{c.name}-{c.generator}", statement=c.statement.capitalize(), license=c.license)
    body = {"train": "images/train", "val": "images/val", "names": dict(enumerate(names))}
    (root / "data.yaml").write_text(head + yaml.safe_dump(body, sort_keys=False, allow_unicode=True))


def line(category: int, ring: Ring, shape: tuple[int, ...]) -> str:
    """Class and corners of a region; x and y as shares of the width and height of a mask (H, W)."""
    shares = ring / [shape[1], shape[0]]
    # Nine digits hold a number of single precision whole, which readers then multiply and cut off.
    return " ".join([str(category), *(f"{share:.9g}" for share in shares.ravel())]) + "\n"

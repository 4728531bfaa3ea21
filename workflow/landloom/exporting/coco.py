"""COCO: one annotation per class and image, its region as run lengths.

Category ids equal mask values. ``file_name`` is relative to ``imagefolder/train``.
"""

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.data.samples import Sample
from landloom.exporting.collection import Collection, write_json


class Coco:
    """Writes ``coco/annotations.json``."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.ids = count(1)  # COCO's own evaluation takes 0 for "no match"

    def add(self, sample: Sample) -> None:
        """Describe one image and each class in it."""
        mask = sample.mask_array()
        image = len(self.images) + 1
        size = {"height": mask.shape[0], "width": mask.shape[1]}
        self.images.append({"id": image, "file_name": f"{sample.id}.png", "license": 1} | size)
        for category in range(len(self.collection.statistics.classes)):
            region = mask == category
            if region.any():
                ids = {"id": next(self.ids), "image_id": image, "category_id": category}
                self.annotations.append(ids | annotation(region))

    def close(self) -> None:
        """Write the file."""
        body = head(self.collection) | {
            "categories": [c | {"supercategory": "land cover"} for c in self.collection.classes],
            "images": self.images,
            "annotations": self.annotations,
        }
        write_json(self.collection.folder("coco") / "annotations.json", body)


def head(collection: Collection) -> dict[str, Any]:
    """What a file says of itself."""
    description = f"{collection.name} by {collection.generator}; {collection.statement}"
    return {
        "info": {"description": description, "version": "1.0"},
        "licenses": [{"id": 1, "name": collection.license, "url": ""}],
    }


def annotation(region: NDArray[np.bool_]) -> dict[str, Any]:
    """Run lengths, area and bounding box (x, y, width, height; pixels) of a region (H, W), not empty."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    x, y = int(columns[0]), int(rows[0])
    return {
        "segmentation": {"size": list(region.shape), "counts": run_lengths(region)},
        "area": int(region.sum()),
        "bbox": [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1],
        "iscrowd": 0,
    }


def run_lengths(region: NDArray[np.bool_]) -> list[int]:
    """Lengths of runs of a region (H, W), down the columns; the first run is of zeros, maybe of length 0."""
    # The zero in front makes the first run one of zeros.
    flat = np.concatenate([[False], region.ravel(order="F")])
    edges = np.flatnonzero(np.diff(flat))
    return [int(n) for n in np.diff(np.concatenate([[0], edges, [region.size]]))]

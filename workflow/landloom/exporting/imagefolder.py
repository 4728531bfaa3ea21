"""A Hugging Face image folder: ``datasets.load_dataset("imagefolder", data_dir=...)`` reads it."""

import json
from typing import Any

import numpy as np
from PIL import Image

from landloom.data.samples import Sample
from landloom.exporting.collection import Collection, legend, write_json


class ImageFolder:
    """Writes ``imagefolder/train/<id>.png``, ``imagefolder/masks/<id>_mask.png`` and ``metadata.jsonl``."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.root = collection.folder("imagefolder")
        self.train = collection.folder("imagefolder/train")
        self.masks = collection.folder("imagefolder/masks")
        self.table = (self.train / "metadata.jsonl").open("w")

    def add(self, sample: Sample) -> None:
        """Write a natural-colour picture (H, W, 3), the mask as class indices, and one row of the table."""
        picture = self.collection.statistics.preview(sample.image_array())
        Image.fromarray(picture).save(self.train / f"{sample.id}.png")
        mask = np.ascontiguousarray(sample.mask_array())
        Image.fromarray(mask).save(self.masks / f"{sample.id}_mask.png")
        self.table.write(json.dumps(self._row(sample), ensure_ascii=False, allow_nan=False) + "\n")

    def _row(self, sample: Sample) -> dict[str, Any]:
        return {
            "file_name": f"{sample.id}.png",
            # A plain path: the datasets library opens images below the table's own folder only.
            "mask": f"../masks/{sample.id}_mask.png",
            "text": sample.caption or "",
            "ratios": [round(r, 6) for r in sample.ratios],
            "seed": sample.seed,
            "source": sample.source,
            "parents": sample.parents,
        }

    def close(self) -> None:
        """Write ``classes.json``: which mask value is which class."""
        self.table.close()
        write_json(self.root / "classes.json", legend(self.collection.classes))

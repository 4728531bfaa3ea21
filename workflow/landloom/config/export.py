"""``export``: the dataset in formats that other tools read."""

from typing import Literal

from landloom.config.section import Section

BOXES = frozenset({"coco-boxes", "dota", "yolo-boxes", "yolo-obb", "geojson-boxes"})
"""Formats of boxes of objects."""


class ExportConfig(Section):
    """Settings of the export."""

    formats: list[
        Literal[
            "geotiff", "imagefolder", "coco", "stac", "webdataset", "mmsegmentation", "yolo-seg",
            "coco-boxes", "dota", "yolo-boxes", "yolo-obb", "geojson-boxes",
        ]
    ] = [
        "geotiff",
        "imagefolder",
        "coco",
        "stac",
    ]  # fmt: skip
    """What is written; all but the four of the default only if they are named. The last five hold boxes of
    objects (data.objects), those of YOLO level ones ('yolo-boxes') or their corners ('yolo-obb')."""
    license: str = "other"
    """Licence of the exported dataset, as STAC and dataset cards name it (an SPDX id or 'other')."""

"""``export``: the dataset in formats that other tools read."""

from typing import Literal

from landloom.config.section import Section


class ExportConfig(Section):
    """Settings of the export."""

    formats: list[
        Literal["geotiff", "imagefolder", "coco", "stac", "webdataset", "mmsegmentation", "yolo-seg"]
    ] = [
        "geotiff",
        "imagefolder",
        "coco",
        "stac",
    ]
    """What is written. WebDataset, MMSegmentation and YOLO segmentation only if they are named."""
    license: str = "other"
    """Licence of the exported dataset, as STAC and dataset cards name it (an SPDX id or 'other')."""

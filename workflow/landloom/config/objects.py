"""``data.objects``: boxes of objects, as data sets for detection have them."""

import colorsys
import re
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section

BACKGROUND = "background"
"""First class of masks that are painted from objects."""
PER_SCENE = ("dota", "yolo", "yolo-obb")
"""Formats with one file for each image."""


class ObjectsConfig(Section):
    """Where objects are listed, and which of them a tile takes along."""

    format: Literal["coco", "dota", "yolo", "yolo-obb", "geojson"]
    """'coco' (JSON), 'dota' (text, corners in pixels), 'yolo' (text, shares: centre and sides), 'yolo-obb'
    (text, shares: corners), or 'geojson' (any vector file with a coordinate system, GeoPackage too)."""
    path: str
    """The file, or a pattern with the wildcards of images, or {scene} for the name of a scene."""
    classes: list[str] = Field(min_length=1, max_length=254)
    """Names of the classes of objects; the order is that of their ids in exports, and in YOLO files given."""
    ignore: list[str] = []
    """Classes whose objects are left out. Objects of a class that is in neither list are an error."""
    kind: Literal["rotated", "horizontal"] = "rotated"
    """Boxes at an angle where the file has corners or outlines (the smallest rectangle around an outline), or
    boxes along rows and columns."""
    field: str = "class"
    """Property that holds the class, with format 'geojson'."""
    share: float = Field(default=0.5, gt=0, le=1)
    """A tile takes an object along if at least this share of its area lies in the tile. Corners stay where
    they are, outside of the tile, too."""
    unlisted: Literal["none", "unlabelled"] | None = None
    """What it means when the files say nothing of a scene: it has no objects, or nobody looked for any. An
    error when absent. A scene that is listed without objects has none."""

    @property
    def names(self) -> list[str]:
        """Classes that objects can have, in order."""
        return [c for c in self.classes if c not in self.ignore]

    @model_validator(mode="after")
    def _pattern(self) -> Self:
        if self.format in PER_SCENE and not re.search(r"{\w+}", self.path):
            raise ValueError(
                f"path: {self.format} has one file for each image; write a pattern with {{scene}}"
            )
        return self

    @model_validator(mode="after")
    def _classes(self) -> Self:
        if twice := sorted({c for c in self.classes if self.classes.count(c) > 1}):
            raise ValueError(f"class name given twice: {', '.join(twice)}")
        if not self.names:
            raise ValueError("all classes are in ignore; keep one")
        return self


def dota_name(name: str) -> str:
    """Name of a class in a line of DOTA, whose words end at spaces: 'small vehicle' is 'small-vehicle'."""
    return "-".join(name.split())


def colors(count: int) -> list[str]:
    """Colours that are easy to tell apart, the first ones most easily: steps of the golden angle."""
    hues = [(i * 0.618034) % 1 for i in range(count)]
    found = [colorsys.hsv_to_rgb(hue, (0.9, 0.55)[i // 8 % 2], 0.95) for i, hue in enumerate(hues)]
    return ["#" + "".join(f"{round(255 * part):02x}" for part in rgb) for rgb in found]


def painted_classes(objects: ObjectsConfig) -> list[dict[str, Any]]:
    """Classes of masks that are painted from objects: the background, then those of the objects."""
    names = [BACKGROUND, *objects.names]
    every = zip(names, ["#303030", *colors(len(objects.names))], strict=True)
    return [{"name": name, "values": [i], "color": color} for i, (name, color) in enumerate(every)]

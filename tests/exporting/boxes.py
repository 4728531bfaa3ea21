"""Samples with boxes, exported and read back by our own readers."""

from pathlib import Path
from typing import Any

import numpy as np
from rasterio.transform import Affine

from landloom.config.export import ExportConfig
from landloom.config.objects import ObjectsConfig
from landloom.data import samples
from landloom.data.objects import Object
from landloom.data.samples import Meta, Sample
from landloom.data.statistics import ClassInfo
from landloom.objects import scene_objects
from landloom.objects.marks import View
from landloom.objects.scene_objects import SceneObjects
from landloom.raster import codec
from landloom.stages import export
from tests import exports

HEIGHT, WIDTH = 10, 20
NAMES = ["ship", "small vehicle"]
LEVEL = Object(0, [2.0, 1.0, 6.0, 1.0, 6.0, 4.0, 2.0, 4.0])
TURNED = Object(1, [10.0, 2.0, 14.0, 5.0, 12.5, 7.0, 8.5, 4.0], difficult=True)
"""Sides of 5 and 2.5 pixels."""
BEYOND = Object(0, [-1.0, 6.0, 3.0, 6.0, 3.0, 9.0, -1.0, 9.0])
"""A quarter of it lies to the left of the image."""


def sample(name: str, objects: list[Object] | None, placed: bool = False, **more: Any) -> Sample:
    rng = np.random.default_rng(1)
    place: dict[str, Any] = {"crs": exports.CRS, "transform": exports.TRANSFORM} if placed else {}
    image = rng.integers(0, 256, (3, HEIGHT, WIDTH)).astype(np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    fields = place | {"ratios": [1.0, 0.0, 0.0]} | more
    return Sample(name, codec.encode(mask), codec.encode(image), objects=objects, **fields)


def rows() -> list[Sample]:
    """One with objects and a place, one without any, one not looked at, a rejected one, one at an edge."""
    return [
        sample("a", [LEVEL, TURNED], placed=True, meta=Meta(gsd=0.5)),
        sample("empty", [], placed=True),
        sample("unknown", None, placed=True),
        sample("bad", [LEVEL], quality=exports.REJECTED),
        sample("edge", [BEYOND]),
    ]


def make(folder: Path, formats: list[Any], given: list[Sample] | None = None) -> Path:
    """Export samples; returns the folder of the export."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = [ClassInfo(name=n, color="#ff0000") for n in NAMES]
    exports.statistics().model_copy(update={"objects": classes}).save(folder / "statistics.json")
    samples.write(folder / "c.parquet", rows() if given is None else given, {"generator": "g"})
    config = ExportConfig(formats=formats)
    export.run(config, "tiny", folder / "statistics.json", [folder / "c.parquet"], folder / "out")
    return folder / "out"


def read(form: str, path: Path, name: str, names: list[str] = NAMES, **more: Any) -> SceneObjects:
    """What our reader of a format finds for an image of an export."""
    config = ObjectsConfig.model_validate({"format": form, "path": str(path), "classes": names} | more)
    place = {"crs": exports.CRS, "transform": Affine(*exports.TRANSFORM)} if form == "geojson" else {}
    file = Path(str(path).replace("{scene}", name))
    return scene_objects.of(View(name, Path(f"{name}.png"), HEIGHT, WIDTH, **place), config, file)


def cycles(quad: Any) -> list[list[float]]:
    """Corners in order, from the least one on: the same for the same outline, whichever comes first."""
    corners = np.round(np.reshape(quad, (4, 2)), 3) + 0.0
    first = min(range(4), key=lambda i: tuple(corners[i]))
    found: list[list[float]] = np.roll(corners, -first, 0).tolist()
    return found

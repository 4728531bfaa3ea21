"""Tiles of DOTA with all their boxes, exported and read back."""

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from landloom.config.data import DataConfig
from landloom.config.export import ExportConfig
from landloom.config.objects import ObjectsConfig
from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo
from landloom.objects import scene_objects
from landloom.objects.marks import View
from landloom.objects.shapes import rectangle
from landloom.stages import export, tile
from tests import exports
from tests.exporting.boxes import cycles

DATA = Path(os.environ.get("LANDLOOM_DATA", "data")) / "dota-sample"
SCENES = ["P0706", "P1888"]
CLASSES = ["ship", "harbor", "large-vehicle", "small-vehicle"]
SIDE = 256

pytestmark = pytest.mark.skipif(not (DATA / "images").is_dir(), reason="DOTA's sample is not there")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Sample], Path]:
    """Tiles as if a generator had made them, and their export."""
    folder = tmp_path_factory.mktemp("dota")
    lists = {"format": "dota", "path": f"{DATA}/labelTxt/{{scene}}.txt", "classes": CLASSES}
    data = DataConfig.model_validate({"images": f"{DATA}/images/{{scene}}.png", "objects": lists})
    images = [DATA / f"images/{s}.png" for s in SCENES]
    texts = [DATA / f"labelTxt/{s}.txt" for s in SCENES]
    tile.run(
        TileConfig(size=SIDE), data, SCENES, ["train", "train"], images, [], folder / "t.parquet",
        objects=texts, listed=["yes", "yes"],
    )  # fmt: skip
    tiles = list(samples.read(folder / "t.parquet"))
    samples.write(folder / "c.parquet", tiles, {"generator": "g"})
    names = [ClassInfo(name=n, color="#ff0000") for n in CLASSES]
    painted = [ClassInfo(name="background", color="#000000"), *names]
    told = {"objects": names, "classes": painted, "prior": [0.2] * 5, "size": SIDE}
    exports.statistics().model_copy(update=told).save(folder / "s.json")
    config = ExportConfig(formats=["coco-boxes", "dota", "yolo-boxes", "yolo-obb"])
    export.run(config, "ships", folder / "s.json", [folder / "c.parquet"], folder / "out")
    return tiles, folder / "out"


def read(
    form: str, path: str, name: str
) -> list[tuple[int, np.ndarray[tuple[int, int], np.dtype[np.float64]]]]:
    """Class and corners of each object of a tile; nothing may be wrong with them."""
    config = ObjectsConfig.model_validate({"format": form, "path": path, "classes": CLASSES})
    view = View(name, Path(f"{name}.png"), SIDE, SIDE)
    found = scene_objects.of(view, config, Path(path.replace("{scene}", name)))
    assert found.problems == []
    assert found.objects is not None
    return [(o.category, o.quad()) for o in found.objects]


def test_our_readers_find_every_box_again(made: tuple[list[Sample], Path]) -> None:
    tiles, out = made
    count, cut = 0, 0
    for sample in tiles:
        given = sample.objects or []
        dota = read("dota", f"{out}/dota/labelTxt/{{scene}}.txt", sample.id)
        coco = read("coco", f"{out}/coco-boxes/annotations.json", sample.id)
        for one, (kind, quad), (also, around) in zip(given, dota, coco, strict=True):
            wanted = rectangle(one.quad())  # as the reader of COCO has it
            outside = (np.abs(wanted.mean(0) - SIDE / 2) > SIDE / 2 - 1e-3).any()
            assert kind == also == one.category
            if not outside:
                assert cycles(quad) == cycles(one.corners)
                assert cycles(around) == cycles(wanted)
            count, cut = count + 1, cut + outside
    assert count > 500
    assert 1 <= cut < 0.01 * count


def test_boxes_of_yolo_are_like_their_part_in_the_tile(made: tuple[list[Sample], Path]) -> None:
    tiles, out = made
    edge, cut = shapely.box(0, 0, SIDE, SIDE), 0
    for sample in tiles:
        given = sample.objects or []
        level = read("yolo", f"{out}/yolo-boxes/labels/train/{{scene}}.txt", sample.id)
        turned = read("yolo-obb", f"{out}/yolo-obb/labels/train/{{scene}}.txt", sample.id)
        for one, (_, hull), (_, quad) in zip(given, level, turned, strict=True):
            whole, found = shapely.polygons(one.quad()), shapely.polygons(quad)
            seen = whole & edge
            np.testing.assert_allclose(shapely.bounds(shapely.polygons(hull)), seen.bounds, atol=1e-5)
            assert (found & seen).area > 0.63 * (found | seen).area
            cut += not edge.covers(whole)
            if edge.covers(whole):
                np.testing.assert_allclose(quad, one.quad(), atol=1e-5)
    assert cut > 10

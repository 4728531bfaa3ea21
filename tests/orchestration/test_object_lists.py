from pathlib import Path
from typing import Any

import pytest

from landloom.errors import InputError, InputErrors
from landloom.orchestration import storage
from landloom.orchestration.dag import Dag
from landloom.orchestration.resources import Tiles
from tests.orchestration.test_dag import Wildcards, dag


def test_tile_is_told_the_lists_of_objects_of_its_scenes(tmp_path: Path) -> None:
    w = Wildcards(scene="00000", dataset="landsat7")
    assert dag().objects.options(Wildcards(scene=next(iter(dag().parts)))) == ""  # commands stay as they were
    (tmp_path / "b.txt").touch()
    scenes = [{"name": n, "images": [f"{n}.tif"]} for n in "ab"]
    objects = {"format": "dota", "path": f"{tmp_path}/{{scene}}.txt", "classes": ["ship"]}
    data = {"scenes": scenes, "objects": objects, "split": {"val": 0.0, "test": 0.0}}
    tile = {"size": 64, "scenes_per_shard": 2}
    made = Dag({"dataset": "landsat7", "tile": tile, "data": data})
    assert made.objects.options(w) == f"--objects {tmp_path}/b.txt --listed no yes"
    assert made.objects.files(w) == [f"{tmp_path}/b.txt"]
    assert f"{tmp_path}/b.txt" in made.files(w)
    single = objects | {"format": "coco", "path": f"{tmp_path}/all.json"}
    made = Dag({"dataset": "landsat7", "tile": tile, "data": data | {"objects": single}})
    assert made.objects.options(w) == f"--objects {tmp_path}/all.json"
    with pytest.raises(InputErrors, match=r"all\.json: the list of objects does not exist"):
        made.require_files()


def listed(objects: bool = True, **more: Any) -> Dag:
    coco = {"format": "coco", "path": "all.json", "classes": ["ship", "car", "tree"], "ignore": ["tree"]}
    scenes = [{"name": n, "images": [f"{n}.tif"], "mask": f"{n}.png"} for n in "abc"]
    classes = [{"name": n, "values": [i], "color": "#000000"} for i, n in enumerate(("land", "water"))]
    data = {"scenes": scenes, "classes": classes} | ({"objects": coco} if objects else {})
    return Dag({"dataset": "d", "data": data} | more)


BOXES: dict[str, Any] = {"image_train": {"boxes": {}}, "encode": {"boxes": {}}}
LANDLOOM = Wildcards(dataset="d", scene="a", generator="landloom")


def test_boxes_are_told_of_data_with_objects_alone() -> None:
    with pytest.raises(InputError, match=r"image_train\.boxes: for 'landloom' needs lists of objects; give"):
        listed(False, **BOXES)
    with pytest.raises(InputError, match=r"encode\.boxes: needs lists of objects; give data\.objects"):
        listed(False, encode={"boxes": {}})
    with pytest.raises(InputError, match=r"image_train\.boxes: on for 'landloom', but encode\.boxes is off"):
        listed(image_train={"boxes": {}})
    made = listed(**BOXES | {"image_sample": {"guidance": {"boxes": 2.0}}})
    assert "boxes" in made.section("image_train")(LANDLOOM)
    assert "boxes" in made.section("encode")(LANDLOOM)
    with pytest.raises(InputError, match=r"guidance: 2 for 'landloom' .*image_train\.boxes\.dropout is 0"):
        listed(
            encode={"boxes": {}}, image_train={"boxes": {"dropout": 0}},
            image_sample={"guidance": {"boxes": 2.0}},
        )  # fmt: skip


def test_boxes_that_are_off_or_not_read_change_nothing() -> None:
    for name in ("image_train", "encode"):
        assert "boxes" not in listed().section(name)(LANDLOOM)
    baseline = listed(image_train={"boxes": {}, "backend": "pix2pix"}, encode={"boxes": {}})
    assert "boxes" not in baseline.section("image_train")(LANDLOOM)


def test_the_disk_holds_a_byte_for_each_pixel_class_and_for_depth_and_angle() -> None:
    tiles = Tiles(train=10, held_out=2, bands=3, size=64, dtype="uint8")
    with_boxes, without = (storage.latent_caches(listed(**m).config, tiles) for m in (BOXES, {}))
    assert with_boxes - without == 10 * 64 * 64 * (2 + 3)

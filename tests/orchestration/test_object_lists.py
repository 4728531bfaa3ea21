from pathlib import Path

import pytest

from landloom.errors import InputErrors
from landloom.orchestration.dag import Dag
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

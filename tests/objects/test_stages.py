"""Objects from their lists into tiles: check, tile, ratios, and masks of real tiles."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from landloom.config.data import DataConfig
from landloom.config.metadata import MetadataWish
from landloom.config.ratios import RatiosConfig
from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError, InputErrors
from landloom.planning.metadata import Wishes
from landloom.scenes.discovery import discover, divided
from landloom.stages import ratios, tile
from landloom.stages.label_sample import taken
from tests import rasters
from tests.stages import test_check

NAMES = ["ship", "plane"]


def dataset(folder: Path, lines: dict[str, list[str]], masks: bool = False, **more: Any) -> DataConfig:
    """Scenes of 48 x 32 pixels, and lists of objects in DOTA's format; a scene of split train comes first."""
    rasters.scenes(folder, "".join(lines))
    (folder / "lists").mkdir()
    for name, rows in lines.items():
        if rows != ["no file"]:
            (folder / f"lists/{name}.txt").write_text("\n".join(rows))
    objects = {"format": "dota", "path": f"{folder}/lists/{{scene}}.txt", "classes": NAMES} | more
    split = {"by": "scene", "val": ["b"], "test": 0.0}
    if masks:
        return rasters.config(folder, objects=objects, split=split)
    images = f"{folder}/images/{{scene}}.tif"
    return DataConfig.model_validate({"images": images, "objects": objects, "split": split})


def line(left: int, top: int, name: str = "ship", side: int = 4) -> str:
    right, bottom = left + side, top + side
    return f"{left} {top} {right} {top} {right} {bottom} {left} {bottom} {name} 0"


TWO = {"a": [line(2, 2), line(20, 4, "plane")], "b": [line(3, 3)]}


def cut(folder: Path, data: DataConfig) -> list[Sample]:
    """Tiles of all scenes, as the workflow asks for them."""
    scenes, labels = divided(data)
    lists = [s.objects for s in scenes if s.objects is not None and s.objects.is_file()]
    listed = ["yes" if s.objects in lists else "no" for s in scenes]
    masks = [s.mask for s in scenes if s.mask is not None]
    tile.run(
        TileConfig(size=16), data, [s.name for s in scenes], [labels[s.name] for s in scenes],
        [s.images[0] for s in scenes], masks, folder / "tiles.parquet", objects=lists, listed=listed,
    )  # fmt: skip
    return list(samples.read(folder / "tiles.parquet"))


def test_without_masks_tiles_have_painted_ones_and_their_objects(tmp_path: Path) -> None:
    data = dataset(tmp_path, TWO)
    found = {t.id: t for t in cut(tmp_path, data)}
    first = found["a_0_0"]
    assert [c.name for c in data.classes] == ["background", "ship", "plane"]
    assert first.objects is not None
    assert [(o.category, o.corners[:2]) for o in first.objects] == [(0, [2, 2])]
    assert np.array_equal(np.argwhere(first.mask_array() == 1)[[0, -1]], [[2, 2], [5, 5]])
    assert first.ratios == pytest.approx([1 - 16 / 256, 16 / 256, 0])
    assert found["a_0_16"].objects == [type(first.objects[0])(1, [4, 4, 8, 4, 8, 8, 4, 8])]
    assert found["a_16_0"].objects == []
    assert found["a_0_0"].split == "train"
    assert found["b_0_0"].split == "val"


def test_beside_masks_objects_have_classes_of_their_own(tmp_path: Path) -> None:
    found = {t.id: t for t in cut(tmp_path, dataset(tmp_path, TWO, masks=True))}
    assert set(np.unique(found["a_0_16"].mask_array())) == {0, 1}
    assert [o.category for o in found["a_0_16"].objects or []] == [1]


def test_the_statistics_name_classes_of_objects_only_where_there_are_any(tmp_path: Path) -> None:
    data = dataset(tmp_path, TWO)
    cut(tmp_path, data)
    where = (tmp_path / "r.parquet", tmp_path / "statistics.json")
    ratios.run(RatiosConfig(), data, "tiny", [tmp_path / "tiles.parquet"], *where)
    objects = Statistics.load(where[1]).objects
    assert objects is not None
    assert [c.name for c in objects] == NAMES
    plain = Statistics.load(where[1]).model_copy(update={"objects": None})
    plain.save(where[1])
    assert "objects" not in json.loads(where[1].read_text())


def test_ratios_ask_for_train_objects_of_each_class(tmp_path: Path) -> None:
    data = dataset(tmp_path, {"a": [line(2, 2)], "b": [line(3, 3, "plane")]}, masks=True)
    cut(tmp_path, data)
    with pytest.raises(InputError, match=r"no train tile has objects of plane"):
        ratios.run(RatiosConfig(), data, "t", [tmp_path / "tiles.parquet"], tmp_path / "r", tmp_path / "s")


@pytest.mark.parametrize(("unlisted", "expected"), [("none", [[], []]), ("unlabelled", [None, None])])
def test_a_scene_that_no_list_names(tmp_path: Path, unlisted: str, expected: list[Any]) -> None:
    data = dataset(tmp_path, TWO | {"c": ["no file"]}, masks=True, unlisted=unlisted)
    found = [t.objects for t in cut(tmp_path, data) if t.scene == "c"]
    assert found[:2] == expected


def test_a_scene_of_which_nothing_is_known_gives_no_tile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = dataset(tmp_path, TWO | {"c": ["no file"]}, unlisted="unlabelled")
    assert {t.scene for t in cut(tmp_path, data)} == {"a", "b"}
    assert "scene 'c' has no tile" in capsys.readouterr().err


def test_labels_that_are_withheld_take_objects_with_them(tmp_path: Path) -> None:
    data = dataset(tmp_path, TWO | {"c": [line(2, 2), line(9, 9, "plane")]})
    data = data.model_copy(update={"split": data.split.model_copy(update={"labelled": 0.5})})
    found = {t.scene: t for t in cut(tmp_path, data)}
    assert sorted(t.split for t in found.values()) == ["train", "unlabelled", "val"]
    hidden = next(t for t in found.values() if t.split == "unlabelled")
    assert (hidden.objects, hidden.mask) == (None, None)


def test_tile_reports_what_is_wrong_in_a_list(tmp_path: Path) -> None:
    data = dataset(tmp_path, TWO | {"a": [line(2, 2, "boat"), line(3, 3, "boat"), "1 2"]})
    with pytest.raises(InputErrors) as error:
        cut(tmp_path, data)
    assert len(error.value.problems) == 2


def test_check_counts_objects_and_pixels_and_says_what_it_left_out(tmp_path: Path) -> None:
    lines = TWO | {"a": [*TWO["a"], TWO["a"][0], "1 1 1 1 1 1 1 1 ship"]}
    found = test_check.run(tmp_path, dataset(tmp_path, lines))
    assert found["objects"]["ship"] == {"train": 1, "val": 1, "test": 0}
    assert found["objects"]["plane"] == {"train": 1, "val": 0, "test": 0}
    assert found["classes"]["plane"]["train"] == 16
    assert found["classes"]["background"]["train"] == 48 * 32 - 32
    said = "\n".join(found["warnings"])
    assert re.search(r"1 objects stand twice and are read once, such as .*a\.txt, line 3", said)
    assert re.search(r"1 objects have no area and are left out, such as .*a\.txt, line 4", said)


def test_check_reports_every_list_before_any_job(tmp_path: Path) -> None:
    lines = {"a": [line(2, 2, "boat")] * 3, "b": ["no file"]}
    found = "\n".join(test_check.problems(tmp_path, dataset(tmp_path, lines)))
    assert "a.txt, line 1 (and 2 more in this file): class 'boat'" in found
    assert "scene 'b' is not in the files of objects" in found


def test_check_asks_for_train_objects_of_each_class(tmp_path: Path) -> None:
    data = dataset(tmp_path, {"a": [line(2, 2)], "b": [line(3, 3, "plane")]})
    assert test_check.problems(tmp_path, data)[-1].startswith(
        "data.objects.classes 'plane': train has no object of it, others do"
    )


def test_an_image_that_viewers_turn_is_refused(tmp_path: Path) -> None:
    data = dataset(tmp_path, TWO)
    path = tmp_path / "images/a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (48, 32)).save(path, exif=exif)
    scene = next(iter(discover(data)))
    given = (TileConfig(size=16), data, ["a"], ["train"], [path], [], tmp_path / "out.parquet")
    with pytest.raises(InputError, match=r"a\.jpg: EXIF_Orientation is 6"):
        tile.run(*given, objects=[scene.objects] if scene.objects else [])


def test_the_mask_of_a_real_tile_brings_its_objects(tmp_path: Path) -> None:
    real = cut(tmp_path, dataset(tmp_path, TWO))[0]
    row = {"id": "1", "caption": "", "seed": 1, "target_ratios": real.ratios, "mix": "m"}
    (made,) = taken([row], [real], "g", Wishes(MetadataWish()))
    assert made.objects == real.objects

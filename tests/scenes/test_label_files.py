"""Labels as people have them: a file for each class, one file of shapes for all."""

from pathlib import Path

import pytest

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.scenes.discovery import (
    discover,
    unpaired,
)
from tests import rasters


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


OWN = [{"name": n, "color": "#000000"} for n in ("land", "road", "house")]


def test_a_file_for_each_class_in_the_order_of_the_classes(tmp_path: Path) -> None:
    files(tmp_path, *(f"{s}{e}.png" for s in "ab" for e in ("", "_house", "_road")))
    masks = {"house": f"{tmp_path}/{{s}}_house.png", "road": f"{tmp_path}/{{s}}_road.png"}
    given = {"images": f"{tmp_path}/{{s}}.png", "masks": masks, "rest": "land", "classes": OWN}
    data = DataConfig.model_validate(given)
    found = discover(data)
    assert [s.name for s in found] == ["a", "b"]  # though the masks match the pattern of images
    assert found[0].class_masks == (tmp_path / "a_road.png", tmp_path / "a_house.png")
    assert (found[0].mask, found[0].files[1:]) == (None, found[0].class_masks)


def test_files_of_a_class_without_an_image_are_named(tmp_path: Path) -> None:
    files(tmp_path, "i/a.png", "road/a.png", "house/a.png", "house/b.png")
    masks = {n: f"{tmp_path}/{n}/{{s}}.png" for n in ("road", "house")}
    given = {"images": f"{tmp_path}/i/{{s}}.png", "masks": masks, "rest": "land", "classes": OWN}
    assert unpaired(DataConfig.model_validate(given)) == [tmp_path / "house/b.png"]


def test_one_file_of_shapes_serves_all_scenes_with_the_files_beside_it(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "b.png", "all.shp", "all.dbf", "all.shx", "all.txt")
    given = {"images": f"{tmp_path}/{{s}}.png", "masks": f"{tmp_path}/all.shp", "rest": "land"}
    found = discover(DataConfig.model_validate(given | {"classes": OWN[:2]}))
    assert {s.mask for s in found} == {tmp_path / "all.shp"}
    assert [p.name for p in found[1].labels] == ["all.shp", "all.shx", "all.dbf"]


def test_a_mask_pattern_without_a_wildcard_is_refused_for_pixels(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "all.tif")
    given = {"images": f"{tmp_path}/{{s}}.png", "masks": f"{tmp_path}/all.tif"}
    with pytest.raises(InputError, match=r"all\.tif' has no wildcard"):
        discover(rasters.config(**given))

"""What the report says of where classes come from."""

import shlex
from typing import Any

from landloom.config.data import DataConfig
from landloom.orchestration import class_sources
from tests.orchestration.test_dag import Wildcards, dag

A, B = ({"name": n, "color": c} for n, c in (("a", "#ff0000"), ("b", "#0000ff")))


def said(**data: Any) -> list[str]:
    return class_sources.said(DataConfig.model_validate({"images": "i/{scene}.tif", **data}))


def test_values_and_colours_are_those_of_the_masks() -> None:
    values = [A | {"values": [7, 9]}, B | {"values": [40]}]
    assert said(masks="m/{scene}.tif", classes=values) == ["7, 9", "40"]
    colors = [A | {"values": ["#FF0000"]}, B | {"values": ["#0000ff"]}]
    assert said(masks="m/{scene}.png", classes=colors) == ["#ff0000", "#0000ff"]


def test_files_of_their_own_shapes_and_the_rest_are_named() -> None:
    own = {"masks": {"a": "a/{scene}.tif"}, "rest": "b", "classes": [A, B]}
    assert said(**own) == ["not 0 in a/{scene}.tif", "all other pixels"]
    own["classes"] = [A | {"values": [3]}, B]
    assert said(**own)[0] == "3 in a/{scene}.tif"
    assert said(masks="all.gpkg", rest="b", classes=[A, B]) == ["all shapes", "all other pixels"]
    kinds = {"vectors": {"attribute": "kind"}, "rest": "b", "classes": [A | {"values": ["lake", "pond"]}, B]}
    assert said(masks="all.gpkg", **kinds)[0] == "kind: lake, pond"


def test_painted_masks_name_the_boxes() -> None:
    objects = {"path": "o.json", "format": "coco", "classes": ["ship", "plane"]}
    assert said(objects=objects) == ["no box", "boxes of ship", "boxes of plane"]


def test_the_command_has_an_item_for_each_class() -> None:
    made = dag()
    found = shlex.split(class_sources.words(made)(Wildcards(dataset="d")))
    assert found == [", ".join(map(str, c.values)) for c in made.config.data.classes]

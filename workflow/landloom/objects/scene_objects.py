"""The objects of a scene, judged: errors where nobody can know what is meant, remarks where one can go on."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from landloom.config.objects import PER_SCENE, ObjectsConfig
from landloom.data.objects import Object
from landloom.errors import InputError
from landloom.objects import coco, dota, geojson, yolo
from landloom.objects.marks import Mark, Marks, View
from landloom.objects.shapes import Quad, around, crosses_itself, hull_area, shares_within
from landloom.raster.reader import SceneReader

READERS: dict[str, Callable[[Path, ObjectsConfig, View], Marks | None]] = {
    "coco": coco.read,
    "dota": dota.read,
    "yolo": yolo.read,
    "yolo-obb": yolo.read,
    "geojson": geojson.read,
}
SMALLEST = 1e-3
"""Area in square pixels below which a box has none."""
ALIKE = 0.01
"""Pixels by which corners of one object that stands twice may differ."""
CUT = 0.7
"""Share of an object inside its image below which there is a remark, as the devkit of DOTA has it."""

EMPTY = "have no area and are left out"
TWICE = "stand twice and are read once"
BEYOND = f"lie to more than {1 - CUT:.0%} outside of their image"
UNLISTED = "are not in the files of objects and count as {}"


@dataclass
class SceneObjects:
    """What was found of one scene.

    Attributes:
        objects: in pixels of the scene; None if nobody looked for any.
        problems: what must be corrected.
        remarks: places of what may surprise, by kind.
    """

    objects: list[Object] | None
    problems: list[InputError] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def of_scene(reader: SceneReader, config: ObjectsConfig) -> SceneObjects:
    """The objects of an open scene.

    Raises:
        InputError: a file cannot be read at all, or the image is shown in another way than it is stored.
    """
    for file in reader.images:
        turned = file.tags().get("EXIF_Orientation", "1")
        if turned not in ("0", "1"):
            found = f"EXIF_Orientation is {turned}: viewers turn the image and GDAL does not"
            remedy = "Boxes may be of either; store it as it is shown (exiftran -ai), and check them"
            raise InputError(file.name, found, remedy)
    view = View(
        reader.scene.name, reader.scene.images[0], reader.height, reader.width, reader.crs, reader.transform
    )
    return of(view, config, reader.scene.objects)


def of(view: View, config: ObjectsConfig, path: Path | None) -> SceneObjects:
    """The objects of a scene.

    Args:
        view: the scene.
        config: format and classes.
        path: file that lists them; one of a pattern may be missing. None if there is none.

    Raises:
        InputError: a file cannot be read at all.
    """
    if path is None or (config.path != str(path) and not path.is_file()):
        marks = None
    elif not path.is_file():
        raise InputError(f"data.objects.path: {path}", "the file does not exist", "Fix the path")
    else:
        marks = READERS[config.format](path, config, view)
    return _unlisted(view, config, path) if marks is None else _judged(marks, view, config)


def _unlisted(view: View, config: ObjectsConfig, path: Path | None) -> SceneObjects:
    if config.unlisted is None:
        found = f"scene '{view.name}' is not in the files of objects"
        found += f": {path} does not exist" if config.format in PER_SCENE else ""
        remedy = "Say with data.objects.unlisted what that means: none (it has no object) or unlabelled"
        return SceneObjects(None, [InputError(f"{path}", found, remedy)])
    kind = "having none" if config.unlisted == "none" else "not looked at"
    said = {UNLISTED.format(kind): [f"scene '{view.name}'"]}
    return SceneObjects([] if config.unlisted == "none" else None, [], said)


def _judged(marks: Marks, view: View, config: ObjectsConfig) -> SceneObjects:
    result, seen = SceneObjects([]), set[tuple[float, ...]]()
    assert result.objects is not None
    numbers = {name: i for i, name in enumerate(config.names)}
    for mark in marks:
        if isinstance(mark, InputError):
            result.problems.append(mark)
            continue
        if mark.category in config.ignore:
            continue
        if problem := _problem(mark, view, config, numbers):
            result.problems.append(problem)
            continue
        corners = around(mark.corners) if config.kind == "horizontal" else mark.corners
        key = (numbers[mark.category], *np.rint(corners.ravel() / ALIKE))
        if kind := _left_out(corners, key in seen):
            result.remarks[kind].append(mark.where)
            continue
        seen.add(key)
        if (
            config.format != "geojson"
            and shares_within(corners[None], (0, 0, view.width, view.height))[0] < CUT
        ):
            result.remarks[BEYOND].append(mark.where)
        result.objects.append(Object(numbers[mark.category], corners.ravel().tolist(), mark.difficult))
    return result


def _left_out(corners: Quad, again: bool) -> str | None:
    """Why an object is left out, if it is."""
    if hull_area(corners) < SMALLEST:
        return EMPTY
    return TWICE if again else None


def _problem(mark: Mark, view: View, config: ObjectsConfig, known: dict[str, int]) -> InputError | None:
    if mark.category not in known:
        found = f"class '{mark.category}' is neither in data.objects.classes nor in data.objects.ignore"
        return InputError(mark.where, found, f"Add it; the classes are {', '.join(known)}")
    if hull_area(mark.corners) >= SMALLEST and crosses_itself(mark.corners):
        found = "the corners cross: sides of the box meet"
        return InputError(mark.where, found, "Give them in order around the object")
    x, y = mark.corners.mean(0)
    if config.format != "geojson" and not (0 <= x <= view.width and 0 <= y <= view.height):
        found = f"the centre ({x:g}, {y:g}) lies outside of {view.image}, {view.width} x {view.height} pixels"
        return InputError(mark.where, found, "Does the file belong to this image, at this size? Correct it")
    return None


def merged(problems: Sequence[InputError]) -> list[InputError]:
    """One error for each kind and file: that of the first place, with the number of the others."""
    groups: dict[tuple[str, str], list[InputError]] = {}
    for p in problems:
        file, kind = p.where.split(", ")[0], "".join(c for c in p.found if not c.isdigit())
        groups.setdefault((file, kind), []).append(p)
    return [
        InputError(
            first.where + (f" (and {len(rest)} more in this file)" if rest else ""), first.found, first.remedy
        )
        for first, *rest in groups.values()
    ]

"""YOLO: a text file for each image, a line for each object, lengths as shares of the image's sides."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from landloom.config.objects import ObjectsConfig
from landloom.errors import InputError
from landloom.objects.marks import Mark, Marks, View, lines, number
from landloom.objects.shapes import Quad, box, clockwise

SLACK = 0.01
"""How far beyond the image a box may reach, as a share of its side: labels are rounded."""
CENTRE = "A line has class, x and y of the centre, width and height, as shares of the image's sides"
CORNERS = "A line has class and x and y of four corners, as shares of the image's sides"


def read(path: Path, config: ObjectsConfig, view: View) -> Marks | None:
    """Objects of the one image that a file belongs to."""
    found = lines(path)
    ids = {words[0] for _, words in found}
    high = str(len(config.classes))
    shifted = high in ids and "0" not in ids
    return _marks(found, config, view, shifted)


def _marks(
    found: list[tuple[str, list[str]]], config: ObjectsConfig, view: View, shifted: bool
) -> Iterator[Mark | InputError]:
    wanted = 9 if config.format == "yolo-obb" else 5
    for where, words in found:
        try:
            category = _category(words[0], where, config, shifted)
            numbers = [number(w, where) for w in words[1:]]
            _require_count(numbers, wanted - 1, where)
            _require_shares(numbers, where)
            shares = clockwise(np.reshape(numbers, (4, 2))) if wanted == 9 else _box(numbers, where)
            yield Mark(where, category, shares * [view.width, view.height])
        except InputError as error:
            yield error


def _category(word: str, where: str, config: ObjectsConfig, shifted: bool) -> str:
    if word.isdecimal() and int(word) < len(config.classes):
        return config.classes[int(word)]
    found = f"class is '{word}', and data.objects.classes has the ids 0 to {len(config.classes) - 1}"
    remedy = (
        "Ids seem to count from 1 here; YOLO counts from 0" if shifted else "Add the class, or correct it"
    )
    raise InputError(where, found, remedy)


def _require_count(numbers: list[float], wanted: int, where: str) -> None:
    if len(numbers) == wanted:
        return
    remedy = CENTRE if wanted == 4 else CORNERS
    if len(numbers) == 5:
        remedy += (
            "; an angle may be in degrees or radians and a fifth number may be a score, so neither is read"
        )
    elif wanted == 4 and len(numbers) == 8:
        remedy += "; this looks like yolo-obb"
    elif len(numbers) > 5 and len(numbers) % 2 == 0:
        remedy += "; outlines of yolo-seg are not read"
    raise InputError(where, f"has {len(numbers)} numbers behind the class, not {wanted}", remedy)


def _require_shares(numbers: list[float], where: str) -> None:
    if max(numbers) > 1 + SLACK:
        shown = f"{max(numbers):g} is above 1"
        raise InputError(where, shown, "YOLO takes shares of the image's sides; divide pixels by them")
    if min(numbers) < -SLACK:
        raise InputError(where, f"{min(numbers):g} is below 0", "YOLO takes shares from 0 to 1; correct it")


def _box(numbers: list[float], where: str) -> Quad:
    x, y, width, height = numbers
    quad = box(x - width / 2, y - height / 2, width, height)
    if quad.min() < -SLACK or quad.max() > 1 + SLACK:
        found = f"the box reaches beyond the image, from {quad.min():.3g} to {quad.max():.3g} of its sides"
        raise InputError(where, found, "x and y are those of the centre, not of a corner; correct it")
    return quad

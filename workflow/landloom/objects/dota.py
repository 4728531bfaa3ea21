"""DOTA: a text file for each image, a line for each object (https://captain-whu.github.io/DOTA)."""

from pathlib import Path

import numpy as np

from landloom.config.objects import ObjectsConfig
from landloom.errors import InputError
from landloom.objects.marks import Mark, Marks, View, lines, number
from landloom.objects.shapes import clockwise

HEADERS = ("imagesource:", "gsd:")


def read(path: Path, config: ObjectsConfig, view: View) -> Marks | None:
    """Objects of the one image that a file belongs to."""
    return (_mark(where, words) for where, words in lines(path) if not words[0].startswith(HEADERS))


def _mark(where: str, words: list[str]) -> Mark | InputError:
    remedy = "A line has x1 y1 x2 y2 x3 y3 x4 y4 class and, if wanted, difficult (0 or 1)"
    if len(words) not in (9, 10):
        return InputError(where, f"has {len(words)} words, not 9 or 10", remedy)
    if words[9:] and words[9] not in ("0", "1", "2"):
        return InputError(where, f"difficult is '{words[9]}'", remedy)
    try:
        corners = np.reshape([number(w, where) for w in words[:8]], (4, 2))
    except InputError as error:
        return error
    # The devkit of DOTA writes 2 for objects that it cut at the edge of a patch.
    return Mark(where, words[8], clockwise(corners), words[9:] not in ([], ["0"]))

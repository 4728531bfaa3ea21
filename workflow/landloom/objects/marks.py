"""What a file says of one object, and what may be wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.objects.shapes import Quad


@dataclass(frozen=True)
class View:
    """The scene that objects belong to.

    Attributes:
        name: its name.
        image: its first image file.
        height: in pixels.
        width: in pixels.
        crs: authority code or WKT, or None.
        transform: pixel to map, or None.
    """

    name: str
    image: Path
    height: int
    width: int
    crs: str | None = None
    transform: Affine | None = None


@dataclass(frozen=True)
class Mark:
    """One object as its file has it.

    Attributes:
        where: file and line or field, for messages.
        category: name of its class.
        corners: in pixels of the scene.
        difficult: whether scores leave it out.
    """

    where: str
    category: str
    corners: Quad
    difficult: bool = False


Marks = Iterator[Mark | InputError]
"""Objects of a scene in file order; an error in the place of one that cannot be read."""


def number(text: str, where: str) -> float:
    """A finite number.

    Raises:
        InputError: the text is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e12:
        raise InputError(where, f"'{text}' is not a number", "Correct the line, or write the file again")
    return found


def lines(path: Path) -> list[tuple[str, list[str]]]:
    """Place and words of each line that is not blank.

    Raises:
        InputError: the file is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(path, f"cannot be read as text ({error})", "Write the file again") from None
    return [
        (f"{path}, line {i}", line.split()) for i, line in enumerate(text.splitlines(), 1) if line.strip()
    ]

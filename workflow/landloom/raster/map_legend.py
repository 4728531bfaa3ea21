"""The legend of a map: which tags of vector features are drawn as which class, and how wide lines are."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from landloom.errors import InputError, InputErrors

NEEDED = ("key", "value", "class")
COLUMNS = (*NEEDED, "width_m", "order")
ANY = "*"
"""A value that stands for all those of its key that have no line of their own, but for 'no'."""
MOST = 254
"""Classes that one byte tells apart, beside nothing."""


@dataclass(frozen=True)
class Entry:
    """One line of the legend.

    Attributes:
        key: attribute of a feature, such as 'highway'.
        value: its value, or ``ANY``.
        name: the class.
        width: of lines and points in metres, or None.
        order: what is drawn later covers what was drawn earlier.
        line: number of the line in the file.
    """

    key: str
    value: str
    name: str
    width: float | None
    order: float
    line: int


@dataclass(frozen=True)
class MapLegend:
    """All lines of a legend, in the order in which they are drawn.

    Attributes:
        path: the file.
        entries: by ``order``, then as they stand in the file.
        classes: names of the classes, as they come in the file; the channels of a map.
    """

    path: Path
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]

    @property
    def keys(self) -> list[str]:
        """The attributes that it asks for, each once."""
        return list(dict.fromkeys(e.key for e in self.entries))

    @cached_property
    def numbers(self) -> Mapping[tuple[str, str], int]:
        """Number of the entry of each key and value."""
        return {(e.key, e.value): i for i, e in enumerate(self.entries)}

    def entry(self, key: str, value: str) -> int | None:
        """Number of the entry that a tag is drawn by; None if it is not drawn."""
        found = self.numbers.get((key, value))
        return self.numbers.get((key, ANY)) if found is None and value != "no" else found


def read(path: Path) -> MapLegend:
    """The legend in a CSV file (comma, semicolon or tab).

    Raises:
        InputErrors: lists all that is wrong with it.
        InputError: it is not there, is no text, or lacks a column.
    """
    rows = list(_rows(path))
    problems: list[InputError] = []
    found = [entry for line, row in rows if (entry := _entry(path, line, row, problems))]
    problems += [*_twice(path, found), *_alike(path, found)]
    classes = tuple(dict.fromkeys(e.name for e in found))
    if not rows:
        problems.append(InputError(path, "has no line below its header", "Add a line for each tag to draw"))
    if len(classes) > MOST:
        problems.append(InputError(path, f"has {len(classes)} classes", f"Merge them to {MOST} at most"))
    if problems:
        raise InputErrors(problems)
    return MapLegend(path, tuple(sorted(found, key=lambda e: e.order)), classes)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines by number, each by column."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read as text ({error})", "Give a CSV file in UTF-8") from None
    lines = text.splitlines()
    separator = max(",;\t", key=lines[0].count) if lines else ","
    reader = csv.reader(lines, delimiter=separator)
    header = [name.strip() for name in next(reader, [])]
    remedy = f"Its columns are {', '.join(NEEDED)} and, if wanted, width_m and order"
    if missing := [c for c in NEEDED if c not in header]:
        raise InputError(path, f"has no column {', '.join(missing)}", remedy)
    if odd := [c for c in header if c not in COLUMNS or header.count(c) > 1]:
        raise InputError(path, f"has columns that it should not, or has twice: {', '.join(odd)}", remedy)
    for row in reader:
        if any(cell.strip() for cell in row):
            yield reader.line_num, {c: cell.strip() for c, cell in zip(header, row, strict=False)}


def _entry(path: Path, line: int, row: Mapping[str, str], problems: list[InputError]) -> Entry | None:
    """One line; what is wrong with it is added to ``problems``."""
    where = f"{path}, line {line}"
    if empty := [c for c in NEEDED if not row.get(c)]:
        problems.append(InputError(where, f"has no {', '.join(empty)}", f"Fill it in; '{ANY}' is any value"))
        return None
    width, order = _number(row.get("width_m")), _number(row.get("order"))
    if width is not None and not 0 < width < math.inf:
        remedy = "Give the width in metres, above 0, or leave it empty for areas"
        problems.append(InputError(f"{where}, width_m", f"'{row['width_m']}' is no width", remedy))
        return None
    if order is not None and not math.isfinite(order):
        problems.append(InputError(f"{where}, order", f"'{row['order']}' is no number", "Give a number"))
        return None
    return Entry(row["key"], row["value"], row["class"], width, order or 0.0, line)


def _number(text: str | None) -> float | None:
    """A number; NaN for what is none, None for nothing."""
    try:
        return float(text) if text else None
    except ValueError:
        return math.nan


def _twice(path: Path, entries: Sequence[Entry]) -> Iterator[InputError]:
    """Problems with tags that have two lines; a class may have as many as it likes."""
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        first = seen.setdefault((entry.key, entry.value), entry)
        if first is not entry:
            found = f"{entry.key}={entry.value} stands in line {first.line} already"
            yield InputError(f"{path}, line {entry.line}", found, "Leave one of them out")


def _alike(path: Path, entries: Sequence[Entry]) -> Iterator[InputError]:
    """Problems with class names that differ in capitals alone."""
    seen: dict[str, Entry] = {}
    for entry in entries:
        first = seen.setdefault(entry.name.casefold(), entry)
        if first.name != entry.name:
            found = f"class '{entry.name}' differs from '{first.name}' of line {first.line} in capitals alone"
            yield InputError(f"{path}, line {entry.line}", found, "Spell it in one way")

"""Patterns of the config for pairs of files: what changes from one to the next becomes a wildcard."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from landloom.starting.pairing import alike_until

TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]")
NAMES = ("scene", "part", "piece", "a", "b", "c", "d", "e", "f")
"""Names of wildcards."""

Piece = str | tuple[str, ...]
"""A text that is the same everywhere, or what stands there in each path."""
Cut = Callable[[Sequence[str]], list[Piece] | None]


def find(pairs: Sequence[tuple[Path, Path]]) -> tuple[str, str] | None:
    """Patterns of images and masks that give these pairs, or None if there are none."""
    for cut in (_whole, _tokens):
        image, mask = (_pieces([p[side] for p in pairs], cut) for side in (0, 1))
        if image and mask and (found := _joined(image, mask)):
            return found
    return None


def _pieces(paths: Sequence[Path], cut: Cut) -> list[Piece] | None:
    """A path as pieces; None if the paths differ in their depth or in their words."""
    if len({len(p.parts) for p in paths}) > 1 or len({p.suffix for p in paths}) > 1:
        return None
    found: list[Piece] = []
    names = [*zip(*(p.parent.parts for p in paths), strict=True), tuple(p.stem for p in paths)]
    for i, column in enumerate(names):
        own = cut(column)
        if own is None:
            return None
        found += [*([] if i == 0 else ["/"]), *own]
    return [*found, paths[0].suffix]


def _whole(column: Sequence[str]) -> list[Piece] | None:
    """One name: what begins and ends it everywhere, and one piece between."""
    if len(set(column)) == 1:
        return [column[0]]
    split = [TOKEN.findall(n) for n in column]
    first = alike_until(*split)
    rest = [t[first:] for t in split]
    last = alike_until(*(t[::-1] for t in rest))
    head, tail = "".join(split[0][:first]), "".join(split[0][len(split[0]) - last :])
    middle = tuple(n[len(head) : len(n) - len(tail)] for n in column)
    return [head, middle, tail] if all(middle) else None


def _tokens(column: Sequence[str]) -> list[Piece] | None:
    """One name, word by word; None if names have different numbers of words."""
    split = [TOKEN.findall(n) for n in column]
    if len({len(t) for t in split}) > 1:
        return None
    return [c[0] if len(set(c)) == 1 else c for c in map(tuple, zip(*split, strict=True))]


def _joined(image: list[Piece], mask: list[Piece]) -> tuple[str, str] | None:
    """Both patterns, if what changes in one changes in the other."""
    wild = list(dict.fromkeys(p for p in image if isinstance(p, tuple)))
    if not 0 < len(wild) <= len(NAMES) or set(wild) != {p for p in mask if isinstance(p, tuple)}:
        return None
    names = dict(zip(wild, NAMES, strict=False))
    if any(re.search(r"[{}]", p) for p in (*image, *mask) if isinstance(p, str)):
        return None
    first, second = (
        "".join(p if isinstance(p, str) else f"{{{names[p]}}}" for p in side) for side in (image, mask)
    )
    return first, second

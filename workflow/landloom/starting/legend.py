"""Values of masks to a table of classes."""

import colorsys
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.config.data import TAKEN
from landloom.errors import InputError
from landloom.raster.first_look import Header, Kind, Values
from landloom.raster.labels import distances
from landloom.starting import known

CLASSES = 255
NOISY = 64
"""With more values than this, most are made by compression or by smooth edges."""
SHARE = 1e-3
"""Smallest share of pixels of a value that compression did not make."""
APART = {False: 12, True: 60}
"""How far frequent values are apart where compression blurs them: numbers, and colours by R, G and B."""
PALETTE = (
    "#e63c3c", "#285adc", "#aadc6e", "#f0c83c", "#1e6e32", "#dcdcdc", "#a05ac8", "#f08c28", "#50c8c8",
    "#963c1e", "#dc78b4", "#646464",
)  # fmt: skip

Value = int | str
REST_COLOR = "#dcdcdc"


@dataclass
class Legend:
    """Classes that were made up for masks.

    Attributes:
        names: of the classes, by value.
        colors: in pictures, by value.
        ignore: values that are no class.
        tolerance: as in ``data.tolerance``.
        pixels: how often each value was counted.
        said: how it was guessed, a line each.
        rest: class of what no file and no shape takes; its pixels stand under its name.
        plain: classes have no values, since files say them.
    """

    names: dict[Value, str]
    colors: dict[Value, str]
    ignore: list[Value]
    tolerance: float
    pixels: dict[Value, int]
    said: list[str] = field(default_factory=list)
    rest: str | None = None
    plain: bool = False

    def classes(self) -> list[tuple[dict[str, Any], float]]:
        """Each class as the config has it, and its part of the counted pixels."""
        none = {"name": self.rest, "color": REST_COLOR}
        given = [
            ({"name": n, "values": [v], "color": self.colors[v]}, self.share(v))
            for v, n in self.names.items()
        ]
        if self.plain:
            given = [({k: x for k, x in c.items() if k != "values"}, s) for c, s in given]
        return [*([(none, self.share(self.rest))] if self.rest else []), *given]

    def share(self, value: Value) -> float:
        """Part of the counted pixels."""
        return self.pixels[value] / max(1, sum(self.pixels.values()))


def together(found: Sequence[Values], headers: Sequence[Header]) -> tuple[Kind, list[Counter[int]]]:
    """How all masks write classes, and the values of each: colours, as soon as one of them has colours."""
    kinds = {v.kind for v in found}
    tables = [h.palette for h in headers if h.palette]
    same = all(t.get(v) == tables[0].get(v) for t in tables for f in found for v in f.pixels)
    if "colours" not in kinds and same:
        return ("palette" if kinds == {"palette"} else "integers"), [v.pixels for v in found]
    return "colours", [_colours(v, h) for v, h in zip(found, headers, strict=True)]


def _colours(found: Values, header: Header) -> Counter[int]:
    """The values of one mask as packed colours."""
    if found.kind == "colours":
        return found.pixels
    packed: Counter[int] = Counter()
    for value, pixels in found.pixels.items():
        written = header.palette.get(value)
        packed[int(written[1:], 16) if written else value * 0x010101] += pixels
    return packed


def propose(kind: Kind, pixels: Counter[int], headers: Sequence[Header], root: Path) -> Legend:
    """A table of classes for what masks hold.

    Raises:
        InputError: they hold one value, or too many.
    """
    said: list[str] = []
    kept, tolerance = _clean(kind, pixels, any(h.lossy for h in headers), said)
    if len(kept) < 2:
        raise InputError(root, "the masks hold a single value", "Give masks of two classes or more")
    if len(kept) > CLASSES:
        found = f"the masks hold {len(kept)} values"
        raise InputError(root, found, "So many are no classes: these may be images. Give the masks' folder")
    values: list[Value] = [f"#{v:06x}" if kind == "colours" else v for v in sorted(kept)]
    counts: dict[Value, int] = dict(zip(values, (kept[v] for v in sorted(kept)), strict=True))
    if kind == "colours":
        values.sort(key=lambda v: -counts[v])
    ignore = _ignored(values, counts, headers, said)
    names, ignore = _named(values, ignore, root, said)
    palette = headers[0].palette if kind == "palette" else {}
    colors = _colors(list(names), palette)
    return Legend(names, colors, ignore, tolerance, counts, said)


def _clean(kind: Kind, pixels: Counter[int], lossy: bool, said: list[str]) -> tuple[Counter[int], float]:
    """Values that mean something, each with what lies nearest to it, and how far that may be from them."""
    colours = kind == "colours"
    chosen = _frequent(pixels, colours)
    if lossy and colours:
        chosen = known.snapped(chosen)
    if kind == "palette" or not 1 < len(chosen) < len(pixels):
        return pixels, 0.0
    every, kept = np.array(list(pixels)), np.array(chosen, np.float64)
    apart, counts = distances(every, kept, colours), np.array(list(pixels.values()))
    between = distances(np.array(chosen), kept, colours)
    least = float(between[between > 0].min())
    if not lossy and not _noise(apart.min(1), counts, least, APART[colours]):
        return pixels, 0.0
    tolerance = float(min(math.ceil(apart.min(1).max()), math.ceil(least / 2) - 1))
    said.append(
        f"{len(pixels) - len(chosen)} more mask values look like noise of compression: data.tolerance "
        f"{tolerance:g} takes each for the listed one that is nearest"
    )
    if far := int(counts[apart.min(1) > tolerance].sum()):
        share = f"{100 * far / pixels.total():.2g} % of the mask pixels"
        said.append(f"{share} lie between classes; the check refuses that: export masks again without loss")
    merged: Counter[int] = Counter()
    for at, count in zip(apart.argmin(1).tolist(), counts.tolist(), strict=True):
        merged[chosen[at]] += count
    return merged, tolerance


def _frequent(pixels: Counter[int], colours: bool) -> list[int]:
    """Values that are frequent, and far from those that are more so."""
    chosen: list[int] = []
    least = SHARE * pixels.total()
    for value, count in pixels.most_common(4 * CLASSES):
        near = distances(np.array([value]), np.array(chosen, np.float64), colours)
        if count >= least and near.min(initial=math.inf) >= APART[colours]:
            chosen.append(value)
    return chosen


def _noise(nearest: NDArray[Any], counts: NDArray[Any], between: float, radius: int) -> bool:
    """Whether values are smeared from frequent ones, in files that do not say how they were made.

    Args:
        nearest: distance of each value to the nearest frequent one.
        counts: pixels of each value.
        between: smallest distance of two frequent ones.
        radius: within which a few values must lie; many may lie anywhere.
    """
    others = nearest > 0
    if counts[others].sum() > 0.1 * counts.sum() or between < 2 * radius:
        return False
    rare = bool((counts[others] < SHARE * counts.sum()).all())
    return rare and (len(counts) > NOISY or bool((nearest < radius).all()))


def _ignored(
    values: list[Value], counts: dict[Value, int], headers: Sequence[Header], said: list[str]
) -> list[Value]:
    """Values that are usually no class."""
    found: list[Value] = [v for v in values if v in {h.nodata for h in headers}]
    if found:
        said.append(f"mask value {found[0]} is called nodata by the files: it is ignored")
    numbers = [v for v in values if isinstance(v, int)]
    if len(numbers) > 2 and 255 in numbers and max(v for v in numbers if v != 255) <= 50 and 255 not in found:
        said.append("mask value 255 stands for pixels without a class: it is ignored; name it if it is one")
        found.append(255)
    return found if len(values) - len(found) > 1 else []


def _named(
    values: list[Value], ignore: list[Value], root: Path, said: list[str]
) -> tuple[dict[Value, str], list[Value]]:
    """Names of the values that are classes, and the values that are none."""
    rest = [v for v in values if v not in ignore]
    if (told := known.beside(root, values)) is not None:
        file, named = told
        said.append(f"class names come from {file.name}")
        return {v: free(named.get(v) or _made_up(v, i)) for i, v in enumerate(rest, 1)}, ignore
    if (well := known.table([v for v in rest if isinstance(v, str)])) is not None:
        said.append(f"class names are those of {well[0]}, whose colours these are")
        empty: list[Value] = [v for v in rest if well[1][str(v)] is None]
        return {v: str(well[1][str(v)]) for v in rest if v not in empty}, [*ignore, *empty]
    said.append("class names are made up: rename them, and move what is no class to data.ignore")
    if len(rest) == 2 and rest in ([0, 1], [0, 255]):
        return {rest[0]: "background", rest[1]: "foreground"}, ignore
    return {v: _made_up(v, i) for i, v in enumerate(rest, 1)}, ignore


def _made_up(value: Value, number: int) -> str:
    return f"class_{value if isinstance(value, int) else number}".replace("-", "m")


def free(name: str) -> str:
    """A name that tables have no other use for."""
    return f"{name}_class" if name in TAKEN else name


def colored(values: Sequence[str]) -> dict[Value, str]:
    """Colours for texts."""
    found = _colors(range(len(values)), {})
    return {v: found[i] for i, v in enumerate(values)}


def _colors(values: Sequence[Value], palette: dict[int, str]) -> dict[Value, str]:
    found: dict[Value, str] = {}
    for i, value in enumerate(values):
        if isinstance(value, str):
            found[value] = value
        elif palette.get(value):
            found[value] = palette[value]
        else:
            red, green, blue = colorsys.hsv_to_rgb(i * 0.618 % 1, 0.7, 0.9)
            spare = "#" + "".join(f"{round(255 * c):02x}" for c in (red, green, blue))
            found[value] = PALETTE[i] if i < len(PALETTE) else spare
    return found


def renamed(legend: Legend, value: Value, name: str) -> None:
    """Give a class another name, as far as tables can bear it."""
    others = {n for v, n in legend.names.items() if v != value}
    legend.names[value] = free(name) if free(name) not in others else f"{free(name)}_{value}"

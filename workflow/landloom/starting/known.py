"""Names of classes: those of well-known sets of colours, and of a table that lies beside the data."""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from landloom.raster.labels import distances

TABLES: dict[str, dict[str, str | None]] = {
    "ISPRS Potsdam and Vaihingen": {
        "#ffffff": "impervious surface", "#0000ff": "building", "#00ffff": "low vegetation",
        "#00ff00": "tree", "#ffff00": "car", "#ff0000": "clutter",
    },
    "DeepGlobe": {
        "#00ffff": "urban", "#ffff00": "agriculture", "#ff00ff": "rangeland", "#00ff00": "forest",
        "#0000ff": "water", "#ffffff": "barren", "#000000": None,
    },
    "Dubai (MBRSC)": {
        "#3c1098": "building", "#8429f6": "land", "#6ec1e4": "road", "#fedd3a": "vegetation",
        "#e2a929": "water", "#9b9b9b": None, "#000000": None,
    },
}  # fmt: skip
"""Names by colour; None is no class. A number means something else in every set."""
SHIFT = 10
"""How far compression moves a colour, in R, G and B."""
LARGEST = 100_000
"""Bytes of a table of names."""


def table(colors: Collection[str]) -> tuple[str, dict[str, str | None]] | None:
    """The one known table that holds all colours, and of which most classes are there."""
    fitting = [
        (name, names)
        for name, names in TABLES.items()
        if set(colors) <= set(names) and 2 * len(set(colors) & set(names)) > len(names)
    ]
    return fitting[0] if len(fitting) == 1 else None


def snapped(colors: Sequence[int]) -> list[int]:
    """Packed colours as a known table writes them, if all are nearly there: compression moves them."""
    for names in TABLES.values():
        exact = [int(c[1:], 16) for c in names]
        apart = distances(np.array(colors), np.array(exact, np.float64), True)
        nearest = [exact[i] for i in apart.argmin(1)] if len(colors) else []
        if len(colors) and apart.min(1).max() <= SHIFT and len(set(nearest)) == len(colors):
            return nearest
    return list(colors)


def beside(root: Path, values: Collection[int | str]) -> tuple[Path, dict[int | str, str]] | None:
    """Names in a CSV file of the folder, such as name,r,g,b or value,name, that knows two of the values."""
    for file in sorted(root.glob("*.csv")):
        if file.stat().st_size > LARGEST:
            continue
        try:
            with file.open(newline="", encoding="utf-8-sig") as text:
                rows = [{(k or "").strip().lower(): v for k, v in r.items()} for r in csv.DictReader(text)]
        except (OSError, ValueError, csv.Error):
            continue
        names = {v: n for r in rows for v, n in [_row(r)] if v in values and n}
        if len(names) > 1 and len(set(names.values())) == len(names):
            return file, {v: n for v, n in names.items() if v is not None}
    return None


def _row(row: dict[str, str]) -> tuple[int | str | None, str]:
    """Value or colour of a row, and its name."""
    name = (row.get("name") or row.get("class") or row.get("label") or "").strip()
    try:
        if all(row.get(c) for c in "rgb"):
            return "#" + "".join(f"{int(row[c]):02x}" for c in "rgb"), name
        if color := row.get("color") or row.get("colour"):
            return color.strip().lower(), name
        return int(row.get("value") or row.get("id") or ""), name
    except ValueError:
        return None, name

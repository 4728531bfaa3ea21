"""How the config names its files: by patterns, as a list, or in a table beside the config."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landloom.config.data import DataConfig, drawn
from landloom.errors import InputError
from landloom.scenes.discovery import discover
from landloom.scenes.naming import spelt
from landloom.starting import patterns
from landloom.starting.pairing import Pairs

LISTED = 3
"""Up to as many scenes are written out in the config."""
DUMMY = [{"name": "a", "values": [0], "color": "#000000"}, {"name": "b", "values": [1], "color": "#ffffff"}]


@dataclass
class Sources:
    """Where the config finds scenes.

    Attributes:
        lines: of the section ``data``.
        names: of the scenes, in the order of the pairs.
        rows: of the table beside the config, if there is one.
        images: pattern of the images, where patterns of masks stand elsewhere in ``data``.
    """

    lines: list[str]
    names: list[str]
    rows: list[dict[str, str]] = field(default_factory=list)
    images: str = ""


def find(pairs: Pairs, table: Path) -> Sources:
    """The shortest way to name the pairs; ``table`` is where a table would lie."""
    files = [(pairs.root / i, pairs.root / m) for i, m in pairs.files]
    plain = not set("{}") & set(str(pairs.root))  # a brace would be a wildcard
    if len(files) > LISTED and plain and (found := _pattern(pairs)):
        images, masks = (str(pairs.root / p) for p in found)
        if names := _names({"images": images, "masks": masks}, files):
            return Sources([f"images: {quoted(images)}", f"masks: {quoted(masks)}"], names)
    names = _free([_stem(pairs, i) for i, _ in pairs.files])
    if len(files) > LISTED:
        return tabled(files, names, table)
    scenes = [
        f"  - {{name: {quoted(n)}, images: [{quoted(str(i))}], mask: {quoted(str(m))}}}"
        for n, (i, m) in zip(names, files, strict=True)
    ]
    return Sources(["scenes:", *scenes], names)


def _pattern(pairs: Pairs) -> tuple[str, str] | None:
    """Patterns of images and masks; one file of shapes stands for itself."""
    masks = {m for _, m in pairs.files}
    if len(masks) > 1 or not drawn(min(masks)):
        return patterns.find(pairs.files)
    found = patterns.find([(i, i) for i, _ in pairs.files])
    return None if found is None else (found[0], str(min(masks)))


def tabled(
    files: Sequence[tuple[Path, Path]],
    names: Sequence[str],
    table: Path,
    split: Mapping[str, str] | None = None,
) -> Sources:
    """Scenes in a table, with their splits if given; names that no cell should hold are replaced."""
    shown = _free(names)
    rows = [
        {"scene": cell, "image": _seen(i, table), "mask": _seen(m, table)}
        | ({} if split is None else {"split": split[n]})
        for n, cell, (i, m) in zip(names, shown, files, strict=True)
    ]
    return Sources([f"manifest: {quoted(str(table))}"], shown, rows)


def text(rows: Sequence[Mapping[str, str]]) -> str:
    """A table as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def quoted(value: str) -> str:
    """A text as YAML takes it, whatever is in it."""
    return json.dumps(value, ensure_ascii=False)


def _names(source: dict[str, Any], files: Sequence[tuple[Path, Path]]) -> list[str]:
    """Names of the scenes that patterns find; nothing if they find other files than these."""
    try:
        shapes = {"vectors": {"attribute": "any"}} if drawn(source["masks"]) else {}
        found = discover(DataConfig.model_validate(source | shapes | {"classes": DUMMY}))
    except InputError:
        return []
    names = {(s.images[0], s.mask): s.name for s in found}
    return [names[f] for f in files] if set(names) == set(files) else []


def _stem(pairs: Pairs, image: Path) -> str:
    """The stem of an image, with its folders where stems are not enough."""
    alone = len({i.stem for i, _ in pairs.files}) == len(pairs.files)
    return image.stem if alone else "_".join(image.with_suffix("").parts)


def _free(names: Sequence[str]) -> list[str]:
    """Names that stay different without signs that do not show, or with which formulas of tables begin."""
    shown = ["".join(c if c.isprintable() else "-" for c in n) for n in names]
    clean = [spelt(n.strip().lstrip(" .=+@-") or "-", "init") for n in shown]
    apart = len(set(clean)) == len(clean) and "-" not in clean
    return clean if apart else [f"{i:05d}" for i in range(len(names))]


def _seen(path: Path, table: Path) -> str:
    """A path as the table names it: from its own folder, or absolute when the config's paths are.

    None begins like a formula of a spreadsheet, or with a space, which readers of tables drop.
    """
    found = str(path) if path.is_absolute() else os.path.relpath(path, table.parent)
    return f"./{found}" if found[0] in " =+@-" else found

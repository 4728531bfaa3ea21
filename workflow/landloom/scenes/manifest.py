"""Manifests: a table or GeoJSON that lists scenes. Standard library only."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landloom.errors import InputError
from landloom.runtime.csv_tables import plain
from landloom.runtime.reading import reading
from landloom.scenes import acquisition, naming
from landloom.scenes.splits import SPLITS, UNLABELLED

COLUMNS = ("scene", "image", "mask", "split")
SEPARATORS = {".csv": ",;\t", ".tsv": "\t"}
"""Separators that a table may have, by its suffix; spreadsheets write what their country is used to."""


def entries(path: Path, masked: bool = True) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place of each entry, and its scene, image, mask and split ('' when not given).

    What else is known of the image (``acquisition.TOLD``), and its place, are there if they are given.

    Capitals in names of columns do not count; entries without any value are skipped. If scenes are not
    ``masked``, none has a mask.

    Raises:
        InputError: the file is missing or malformed, an entry lacks a value or has a mask that nothing can
            read, or what it tells cannot be.
    """
    for number, row in enumerate(_rows(path), 1):
        where = f"{path}, entry {number}"
        if None in row:  # where csv puts cells beyond the last column
            remedy = 'Quote cells that hold the separator: "b4.tif;b3.tif"'
            raise InputError(where, "it has more cells than the table has columns", remedy)
        # A number 0 is a name, too.
        known = {str(k).strip().lower(): _cell(v) for k, v in row.items()}
        if not any(known.values()) and known:
            continue
        values = {k: known.get(k, "") for k in COLUMNS}
        split = values["split"].lower()
        for column in COLUMNS[: 3 if masked and split != UNLABELLED else 2]:
            if not values[column]:
                found = f"'{column}' is missing; the columns found are {', '.join(known) or 'none'}"
                remedy = (
                    "A manifest has scene, image, mask (scenes of split unlabelled need none) and maybe split"
                )
                raise InputError(where, found, remedy)
        if values["mask"] and not masked:
            raise InputError(where, "it has a mask", "Give data.classes, whose values masks hold")
        if split not in ("", *SPLITS, UNLABELLED):
            raise InputError(where, f"split is '{values['split']}'", "Write train, val, test or unlabelled")
        told = (acquisition.TOLD | {"place": naming.place}).items()
        given = {k: str(read(known[k], f"{where}, {k}")) for k, read in told if known.get(k)}
        if ("lon" in given) != ("lat" in given):
            found = "only one of lon and lat is given"
            raise InputError(where, found, "Give both, or none")
        yield where, values | {"split": split} | given


def _cell(value: Any) -> str:
    """A cell as text; the files of a JSON list are joined as a table joins them."""
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else plain(str(value).strip())


def _table(text: str, separators: str) -> list[Mapping[str | None, Any]]:
    """Rows of a table, however spreadsheets write it: any separator, 'sep=;' in front, long cells."""
    if found := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):
        separators, text = found[1], text[found.end() :]
    head = text.partition("\n")[0]
    separator = max(separators, key=head.count)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # outlines as text are longer than 128 KiB
    table = io.StringIO(text, newline="")
    return list(csv.DictReader(table, delimiter=separator, skipinitialspace=separator != "\t"))


def _rows(path: Path) -> list[Mapping[str | None, Any]]:
    if not path.is_file():
        raise InputError(f"data.manifest: {path}", "the file does not exist", "Fix the path")
    suffix = path.suffix.lower()
    if suffix not in (*SEPARATORS, ".json", ".geojson"):
        found, remedy = "neither CSV nor GeoJSON", "Use .csv, .tsv, .json or .geojson"
        raise InputError(f"data.manifest: {path}", found, remedy)
    text = _text(path)
    if suffix in SEPARATORS:
        return _table(text, SEPARATORS[suffix])
    with reading(path, "not a GeoJSON FeatureCollection", "Export it again"):
        return [dict(feature.get("properties") or {}) for feature in json.loads(text)["features"]]


def _text(path: Path) -> str:
    """The text of a file, as UTF-8 or as the UTF-16 that spreadsheets call Unicode."""
    data = path.read_bytes()
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(path, f"not UTF-8 text ({error})", "Save it as 'CSV UTF-8'") from None

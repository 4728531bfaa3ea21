"""Manifests: a CSV or GeoJSON that lists scenes. Standard library only."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landloom.errors import InputError
from landloom.splits import SPLITS


def entries(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place of each entry, and its scene, image, mask and split ('' when not given).

    Raises:
        InputError: the file is missing or malformed, or an entry lacks a value.
    """
    for number, row in enumerate(_rows(path), 1):
        where = f"{path}, entry {number}"
        values = {k: str(row.get(k) or "").strip() for k in ("scene", "image", "mask", "split")}
        for column in ("scene", "image", "mask"):
            if not values[column]:
                raise InputError(
                    where, f"'{column}' is missing", "A manifest has scene, image, mask and maybe split"
                )
        if values["split"] not in ("", *SPLITS):
            raise InputError(where, f"split is '{values['split']}'", "Write train, val or test")
        yield where, values


def _rows(path: Path) -> list[Mapping[str, Any]]:
    if not path.is_file():
        raise InputError(f"data.manifest: {path}", "the file does not exist", "Fix the path")
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    if path.suffix not in (".json", ".geojson"):
        raise InputError(f"data.manifest: {path}", "neither CSV nor GeoJSON", "Use .csv, .json or .geojson")
    try:
        return [feature["properties"] for feature in json.loads(path.read_text())["features"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(path, f"not a GeoJSON FeatureCollection ({error!r})", "Export it again") from None

"""``landloom pairs``: a data set of images and masks, from georeferenced images and a map of vector features.

Both are files that are here already: nothing is fetched. What is complete is kept, so a run that was stopped
goes on. The folder has images/, masks/, manifest.csv and config.yaml.
"""

import argparse
import colorsys
import csv
import glob
import hashlib
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from landloom.errors import InputError
from landloom.raster import map_legend, pairs
from landloom.raster.map_legend import MapLegend
from landloom.raster.pairs import MOST, Cutting
from landloom.runtime import csv_tables
from landloom.runtime.command_line import unmarked
from landloom.runtime.reading import object_of
from landloom.scenes.splits import SPLITS

SETTINGS = "pairs.json"
REST = "other"
"""Class of what the legend does not draw."""


def main(arguments: list[str]) -> int:
    """Write the data set; returns 0."""
    given = parser().parse_args(arguments)
    images = found(given.images)
    legend = map_legend.read(given.legend)
    if len(legend.classes) > MOST or REST in legend.classes:
        remedy = f"Take up to {MOST} classes, none of them called '{REST}'"
        raise InputError(given.legend, f"has {len(legend.classes)} classes: {legend.classes}", remedy)
    cutting = Cutting(given.size, given.block, given.gap, given.val, given.test, given.seed)
    places = pairs.places(images, cutting)
    settle(given, images)
    rows = []
    for _, part in itertools.groupby(places, lambda p: p.image):
        for place, image, mask in pairs.cut(
            list(part), given.size, given.map, given.layer, legend, given.out
        ):
            files = {"image": image.relative_to(given.out), "mask": mask.relative_to(given.out)}
            rights = {"attribution": given.attribution, "licence": given.licence}
            rows.append({"scene": place.name, **files, "split": place.split, **rights})
    if not rows:
        raise InputError(
            given.map, "covers no pair that holds data", "Give a map of the ground of the images"
        )
    manifest(given.out / "manifest.csv", rows)
    (given.out / "config.yaml").write_text(config(given.out, legend, given.size))
    counts = Counter(str(r["split"]) for r in rows)
    print(f"{given.out}: {len(rows)} pairs ({', '.join(f'{s} {counts[s]}' for s in SPLITS)})")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="landloom pairs", description=unmarked(__doc__))
    made.add_argument("--images", nargs="+", required=True, help="GeoTIFF or COG files, or patterns")
    made.add_argument(
        "--map", type=Path, required=True, help="GeoPackage, GeoJSON, .osm.pbf, ... here on disk"
    )
    made.add_argument("--layer", help="layer of the map; all when absent")
    made.add_argument("--legend", type=Path, required=True, help="CSV: key,value,class,width_m,order")
    made.add_argument("--out", type=Path, required=True, help="folder of the data set")
    made.add_argument("--attribution", required=True, help="whom to name, as '© OpenStreetMap contributors'")
    made.add_argument("--licence", required=True, help="of the map and images, as 'ODbL-1.0; CC-BY-4.0'")
    made.add_argument("--size", type=whole(16), default=512, help="side of a pair in pixels (512)")
    made.add_argument("--block", type=whole(1), default=4, help="pairs along a side of a block (4)")
    made.add_argument("--gap", type=whole(0), default=512, help="pixels between blocks (512)")
    made.add_argument("--val", type=share, default=0.15, help="share of blocks for validation (0.15)")
    made.add_argument("--test", type=share, default=0.2, help="share of blocks for the test (0.2)")
    made.add_argument("--seed", type=int, default=0, help="which blocks go where (0)")
    return made


def whole(least: int) -> Any:
    """Reads a whole number that is not below another."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return int(text)

    return number


def share(text: str) -> float:
    """Reads a share from 0 to below a half."""
    if not 0 <= float(text) < 0.5:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to below 0.5")
    return float(text)


def found(patterns: list[str]) -> list[Path]:
    """Image files that patterns match, sorted.

    Raises:
        InputError: one of them matches none.
    """
    files: set[Path] = set()
    for pattern in patterns:
        matched = [Path(p) for p in glob.glob(pattern)]  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if not matched:
            remedy = "Give files that are here; addresses such as https:// are not understood"
            raise InputError("--images", f"no file matches '{pattern}'", remedy)
        files |= set(matched)
    return sorted(files)


def settle(given: argparse.Namespace, images: list[Path]) -> None:
    """Write what the pairs are made from and how, or make sure that it is what it was.

    Raises:
        InputError: the folder has pairs of other settings, or of another legend, map or image.
    """
    how = {k: str(v) for k, v in vars(given).items() if k not in ("out", "images", "attribution", "licence")}
    stamps = {str(p): f"{p.stat().st_size} bytes of {p.stat().st_mtime_ns}" for p in (given.map, *images)}
    text = hashlib.sha256(given.legend.read_bytes()).hexdigest()
    own, file = how | stamps | {"legend's digest": text}, given.out / SETTINGS
    before = object_of(file) if file.exists() else own
    if changed := sorted(k for k in own.keys() | before.keys() if own.get(k) != before.get(k)):
        remedy = "Give another folder, or remove this one"
        raise InputError(given.out, f"has pairs that were made with another {', '.join(changed)}", remedy)
    given.out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(own, indent=1, ensure_ascii=False) + "\n")


def manifest(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write one line for each pair."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(map(csv_tables.row, rows))
    partial.replace(path)


def config(folder: Path, legend: MapLegend, size: int) -> str:
    """A config that runs on the pairs, for the folder from which the command was called."""
    names = [REST, *legend.classes]
    hues = [
        colorsys.hsv_to_rgb(i / len(names), 0.75 if i else 0.0, 0.85 if i else 0.6) for i in range(len(names))
    ]
    colors = ["#" + "".join(f"{round(c * 255):02x}" for c in rgb) for rgb in hues]
    classes = [{"name": n, "values": [i], "color": colors[i]} for i, n in enumerate(names)]
    data = {
        "manifest": str(folder / "manifest.csv"),
        "classes": classes,
        "ignore": [255],
        "split": {"by": "manifest"},
    }
    whole_ = {"dataset": "pairs", "data": data, "tile": {"size": size, "scenes_per_shard": 100}}
    return "# Written by `landloom pairs`; config/README.md lists every key.\n" + yaml.safe_dump(
        whole_, sort_keys=False, allow_unicode=True
    )

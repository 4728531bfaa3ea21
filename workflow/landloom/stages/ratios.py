"""Class proportions of every tile, and the dataset statistics that later stages read."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import compute

from landloom.config.data import DataConfig
from landloom.config.objects import colors
from landloom.config.ratios import RatiosConfig
from landloom.data import samples
from landloom.data.radiometry import limits
from landloom.data.statistics import ClassInfo, Statistics
from landloom.errors import InputError
from landloom.runtime.command_line import Ins, Out
from landloom.scenes.splits import SPLITS, UNLABELLED

VERSION = 4


def run(config: RatiosConfig, data: DataConfig, dataset: str, tiles: Ins, out: Out, statistics: Out) -> None:
    """Write the table of class ratios (id, scene, split, one column a class) and the dataset statistics."""
    dtype, bands = image_type(tiles)
    table = ratio_table(tiles, [c.name for c in data.classes])
    train = table[table["split"] == "train"].iloc[:, 3:].to_numpy(np.float64)
    require(data, table, train, bands)
    low, high = limits(config, tiles, dtype, bands)
    Statistics(
        name=dataset,
        size=len(next(samples.read(tiles, "train")).mask_array()),
        classes=[ClassInfo(name=c.name, color=c.color) for c in data.classes],
        bands=bands,
        dtype=dtype,
        rgb=[b - 1 for b in data.picture(bands)],
        low=low,
        high=high,
        prior=train.mean(0).tolist(),
        tiles=counts(tiles),
        scenes=len(set(samples.columns(tiles, ["scene"])["scene"])),
        dates=max(int(samples.metadata(path).get("dates", 0)) for path in tiles),
        map=samples.metadata(tiles[0]).get("map", []),
        objects=object_classes(data, tiles),
    ).save(statistics)
    table.to_parquet(out, index=False)


def object_classes(data: DataConfig, tiles: Sequence[Path]) -> list[ClassInfo] | None:
    """Classes of objects with their colours; None without objects.

    Raises:
        InputError: train tiles lack objects of a class.
    """
    if data.objects is None:
        return None
    found = samples.columns(tiles, ["split", "objects"])
    rows = zip(found["split"], found["objects"], strict=True)
    seen = {one.category for split, objects in rows if split == "train" for one in objects or []}
    names = data.objects.names
    if absent := [name for i, name in enumerate(names) if i not in seen]:
        remedy = "Put it into data.objects.ignore, lower data.objects.share, or change data.split.seed"
        raise InputError("data.objects.classes", f"no train tile has objects of {', '.join(absent)}", remedy)
    return [ClassInfo(name=n, color=c) for n, c in zip(names, colors(len(names)), strict=True)]


def image_type(tiles: Sequence[Path]) -> tuple[str, int]:
    """Type and number of bands of the images in all shards.

    Raises:
        InputError: shards differ.
    """
    kinds = {path: (str(m["dtype"]), int(m["bands"])) for path in tiles if (m := samples.metadata(path))}
    counts = Counter(kinds.values()).most_common()
    if not counts:
        raise InputError("ratios --tiles", "no tile shard is given", "Run tile first")
    if len(counts) > 1:
        (dtype, bands), other = counts[0][0], counts[-1][0]
        raise InputError(
            next(path for path, kind in kinds.items() if kind == other),
            f"images have {other[1]} bands of {other[0]}, those of other scenes {bands} of {dtype}",
            "Give all scenes the same bands and type, or choose bands with data.bands",
        )
    return counts[0][0]


def ratio_table(tiles: Sequence[Path], names: list[str]) -> pd.DataFrame:
    """Table of all tiles with a mask: id, scene, split, then the share of each class."""
    found = samples.table(tiles, ["id", "scene", "split", "ratios"])
    found = found.filter(compute.field("split") != UNLABELLED)
    shares = found["ratios"].combine_chunks().flatten().to_numpy().reshape(-1, len(names))
    words = found.drop_columns("ratios").to_pandas()
    return pd.concat([words, pd.DataFrame(shares, columns=names)], axis=1)


def counts(tiles: Sequence[Path]) -> dict[str, int]:
    """Number of tiles by split; unlabelled ones are named if there are any."""
    found = Counter(samples.columns(tiles, ["split"])["split"])
    return {s: found[s] for s in (*SPLITS, UNLABELLED) if s in SPLITS or found[s]}


def require(data: DataConfig, table: pd.DataFrame, train: NDArray[np.float64], bands: int) -> None:
    """Raise InputError when tiles of a split or a class are missing, or data.rgb names no band."""
    if table.empty:
        remedy = "Lower tile.min_valid, correct data.nodata, or leave a band that is empty out of data.bands"
        raise InputError("tile", "no window has enough pixels with data in all bands and a class", remedy)
    for split, wanted in (("train", True), ("val", data.split.val), ("test", data.split.test)):
        if wanted and split not in set(table["split"]):
            remedy = "Change data.split, or lower tile.size or tile.min_valid"
            raise InputError(f"data.split.{split}", f"no tile of {len(table)} is in {split}", remedy)
    absent = [c.name for c, share in zip(data.classes, train.sum(0), strict=True) if not share]
    if absent:
        remedy = "Merge or drop it in data.classes, or change data.split.seed"
        remedy += "; data.split.labelled is low" if data.split.labelled < 1 else ""
        raise InputError("data.classes", f"no train tile holds {', '.join(absent)}", remedy)
    rgb = data.picture(bands)
    if max(rgb) > bands or min(rgb) < 1:
        raise InputError("data.rgb", f"{rgb}, but images have {bands} bands", f"Use 1 to {bands}")

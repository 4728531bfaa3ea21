"""What a detector got right on real scenes, kept tile by tile: intervals are drawn from it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from landloom.data import stored_tables
from landloom.detection.boxes import Array
from landloom.detection.scores import THRESHOLDS, Ground, Matches, precision

FILE = "matches.parquet"
SCHEMA = pa.schema(
    [
        ("scene", pa.string()), ("tile", pa.string()), ("class", pa.int32()), ("objects", pa.int64()),
        ("scores", pa.list_(pa.float64())), ("hits", pa.list_(pa.bool_())), ("ignored", pa.list_(pa.bool_())),
    ]
)  # fmt: skip
Judged = Mapping[Ground, list[Matches]]
"""Matches of each class, by scene and tile."""


def write(found: Judged, folder: Path) -> None:
    """Write matches into a run's folder: a row for each tile and class, thresholds one after another."""
    rows = [(ground, i, m) for ground, own in found.items() for i, m in enumerate(own)]
    columns = {
        "scene": [ground[0] for ground, _, _ in rows],
        "tile": [ground[1] for ground, _, _ in rows],
        "class": [i for _, i, _ in rows],
        "objects": [m.objects for _, _, m in rows],
        "scores": [m.scores.tolist() for _, _, m in rows],
        "hits": [m.hits.ravel().tolist() for _, _, m in rows],
        "ignored": [m.ignored.ravel().tolist() for _, _, m in rows],
    }
    pq.write_table(pa.table(columns, schema=SCHEMA), folder / FILE)


def read(run: Path) -> dict[Ground, list[Matches]]:
    """Matches that ``write`` has written."""
    result: dict[Ground, list[Matches]] = {}
    for row in stored_tables.rows(run / FILE):
        hits, ignored = (
            np.reshape(np.array(row[k], bool), (len(THRESHOLDS), -1)) for k in ("hits", "ignored")
        )
        found = Matches(row["objects"], np.array(row["scores"], np.float64), hits, ignored)
        result.setdefault((row["scene"], row["tile"]), []).append(found)
    return result


def averages(judged: Judged, classes: int, times: NDArray[np.int64] | None = None) -> Array:
    """AP50 and AP50-95, 0 to 1, of each class and, last, their mean (R, K + 1, 2) in each of R draws.

    NaN stands for a class without an object; the mean is over the others.

    Args:
        judged: what was found.
        classes: number of classes, K.
        times: how often each tile is there in each draw (R, tiles); see ``precision``.
    """
    columns = zip(*judged.values(), strict=True)
    none = np.full((1 if times is None else len(times), classes, len(THRESHOLDS)), np.nan)
    each = np.stack([precision(list(column), times) for column in columns], 1) if judged else none
    both = np.stack([each[..., 0], each.mean(-1)], -1)
    known = ~np.isnan(both)
    count = known.sum(1, keepdims=True)
    total = np.where(known, both, 0).sum(1, keepdims=True)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.concatenate([both, mean], 1)


def table(judged: Judged, names: Sequence[str]) -> pd.DataFrame:
    """Scores in percent of each class and of their mean, with the number of objects that they rest on."""
    objects = [sum(own[i].objects for own in judged.values()) for i in range(len(names))]
    found = 100 * averages(judged, len(names))[0]
    columns = {"class": [*names, "mean"], "objects": [*objects, sum(objects)]}
    return pd.DataFrame(columns | {"ap50": found[:, 0], "ap": found[:, 1]})

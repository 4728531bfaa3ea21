"""The table of detectors: what each training set's detectors find, and what its pairs add to real tiles.

Intervals are those of a bootstrap (Efron 1979): test ground is drawn again, with replacement, and so are the
seeds, the same draws for all training sets, so that what two of them share cancels in a gain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landloom.detection import judgement
from landloom.detection.boxes import Array
from landloom.detection.judgement import Judged
from landloom.errors import InputError
from landloom.metrics.tables import RUN, SHARE, synthetic_share
from landloom.segmentation.intervals import LEVEL, units

SCORES = ("ap50", "ap")
COLUMNS = [
    *RUN, SHARE, "class", "objects", *(f"{s}{end}" for s in SCORES for end in ("", "_low", "_high")),
    "gain50", "gain50_low", "gain50_high", "seeds", "unit", "units",
]  # fmt: skip
PART = 100
"""Draws that are scored at once."""


@dataclass(frozen=True)
class Draws:
    """Test ground and seeds, drawn again and again.

    Attributes:
        unit: what is drawn, scenes or tiles.
        count: number of units.
        times: how often each tile is there in each draw (R, tiles).
        shares: uniform numbers (R, seeds) that say which seeds are.
    """

    unit: str
    count: int
    times: NDArray[np.int64]
    shares: Array

    @classmethod
    def of(cls, judged: Judged, seeds: int, draws: int) -> "Draws":
        """Draws over the ground of a run; few scenes are drawn tile by tile."""
        unit, keys = units([scene for scene, _ in judged])
        order = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        rng, count = np.random.default_rng(0), len(order)
        drawn = rng.integers(0, max(count, 1), (draws, count))
        times = np.stack([np.bincount(d, minlength=count) for d in drawn])
        return cls(unit, count, times[:, [order[k] for k in keys]], rng.random((draws, seeds)))

    def averages(self, runs: Sequence[Judged], classes: int) -> tuple[Array, Array]:
        """AP50 and AP in percent, mean over runs (K + 1, 2), and in each draw (R, K + 1, 2)."""
        whole = np.mean([judgement.averages(r, classes)[0] for r in runs], 0)
        parts = np.array_split(self.times, max(1, len(self.times) // PART))
        drawn = np.stack([np.concatenate([judgement.averages(r, classes, t) for t in parts]) for r in runs])
        chosen = (self.shares[:, : len(runs)] * len(runs)).astype(np.int64)
        each = drawn[chosen, np.arange(len(chosen))[:, None]]
        return 100 * whole, 100 * each.mean(1)


def table(
    runs: Sequence[Path], bodies: Sequence[Mapping[str, Any]], names: Sequence[str], draws: int
) -> pd.DataFrame:
    """A row for each training set, detector and class, and for the mean over classes.

    Args:
        runs: folders of trainings.
        bodies: contents of their scores.json.
        names: of the classes.
        draws: of the bootstrap.

    Raises:
        InputError: runs were scored on different objects.
    """
    judged = [judgement.read(run) for run in runs]
    _require_same_ground(runs, judged)
    groups: dict[tuple[Any, ...], dict[int, int]] = {}
    for i, body in enumerate(bodies):
        groups.setdefault(tuple(body[k] for k in RUN), {})[body["seed"]] = i
    drawn = Draws.of(judged[0], max(map(len, groups.values())), draws) if judged else None
    rows = []
    for key, own in groups.items():
        assert drawn is not None
        seeds = sorted(own)
        real = groups.get(("real", 0, key[2]), {})
        found = drawn.averages([judged[own[s]] for s in seeds], len(names))
        alike = [s for s in seeds if s in real] if key[0] != "real" else []
        both = (
            [drawn.averages([judged[g[s]] for s in alike], len(names)) for g in (own, real)] if alike else []
        )
        body = bodies[own[seeds[0]]]
        about = dict(zip(RUN, key, strict=True)) | {SHARE: synthetic_share(body)}
        about |= {"seeds": len(seeds), "unit": drawn.unit, "units": drawn.count}
        rows += _rows(about, [*names, "mean"], body["test"]["objects"], found, both)
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(
    about: Mapping[str, Any], names: Sequence[str], objects: Sequence[int], found: tuple[Array, Array],
    both: Sequence[tuple[Array, Array]],
) -> list[dict[str, Any]]:  # fmt: skip
    rows = []
    for i, name in enumerate(names):
        row = {**about, "class": name, "objects": objects[i]}
        for j, score in enumerate(SCORES):
            row |= _interval(score, found[0][i, j], found[1][:, i, j])
        if both:
            (made, drawn), (real, drawn_real) = both
            row |= _interval("gain50", made[i, 0] - real[i, 0], drawn[:, i, 0] - drawn_real[:, i, 0])
        rows.append(row)
    return rows


def _interval(name: str, value: float, drawn: Array) -> dict[str, float]:
    """A score and both ends of its interval; a draw may lack a class that the whole ground holds."""
    known = drawn[~np.isnan(drawn)]
    ends = np.percentile(known, [50 * (1 - LEVEL), 50 * (1 + LEVEL)]) if known.size else (np.nan, np.nan)
    return {name: float(value), f"{name}_low": float(ends[0]), f"{name}_high": float(ends[1])}


def _require_same_ground(runs: Sequence[Path], judged: Sequence[Judged]) -> None:
    """Raise InputError unless all runs were scored on the same objects of the same tiles."""
    ground = [{place: [m.objects for m in own] for place, own in one.items()} for one in judged]
    for run, one in zip(runs, ground, strict=True):
        if one != ground[0]:
            raise InputError(
                run, f"was scored on other test objects than {runs[0]}", "Run detect again for both"
            )

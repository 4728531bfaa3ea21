"""What synthetic samples add to real ones: runs compared with those on real data alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landloom.metrics.tables import RUN, SHARE, synthetic_share
from landloom.segmentation import intervals
from landloom.segmentation.judgement import confusions

Key = tuple[Any, ...]
"""Generator, ratio and network of a run."""


def gains(runs: Sequence[Path], scores: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each training set and network with its gain over real data alone, by the seeds that both have.

    Args:
        runs: folders of trainings.
        scores: contents of their scores.json.
    """
    groups: dict[Key, dict[int, Path]] = {}
    for folder, body in zip(runs, scores, strict=True):
        groups.setdefault(_key(body), {})[body["seed"]] = folder
    about = {_key(body): {SHARE: synthetic_share(body), "steps": body["steps"]} for body in scores}
    for key, folders in groups.items():
        real = groups.get(("real", 0, key[-1]), {})
        seeds = sorted(folders.keys() & real.keys())
        if key[0] != "real" and seeds and (found := _compared(folders, real, seeds)):
            yield dict(zip(RUN, key, strict=True)) | about[key] | {"seeds": len(seeds)} | found


def _key(body: Mapping[str, Any]) -> Key:
    return tuple(body[k] for k in RUN)


def _compared(made: Mapping[int, Path], real: Mapping[int, Path], seeds: Sequence[int]) -> dict[str, Any]:
    """Gain and units; nothing without test tiles."""
    unit, keys = intervals.units(confusions(made[seeds[0]])[1])
    if not keys:
        return {}
    ours, theirs = (
        np.stack([intervals.summed(confusions(runs[s])[0], keys) for s in seeds]) for runs in (made, real)
    )
    return {"unit": unit, "units": len(set(keys)), "found": intervals.gains(ours, theirs)}

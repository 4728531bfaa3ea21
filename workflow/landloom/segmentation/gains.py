"""What synthetic samples add to real ones: runs compared with those on real data alone.

Of several ratios the best on validation tiles is *chosen*; test tiles, on which the gain is measured, have
no say in it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landloom.config.segment import EVERY
from landloom.metrics import tables
from landloom.metrics.tables import REAL, RUN, SHARE, synthetic_share
from landloom.segmentation import intervals
from landloom.segmentation.judgement import confusions

Run = tuple[Path, Mapping[str, Any]]
"""Folder of a training and its scores.json."""
Key = tuple[str, float, str]
"""Generator, ratio and network of a run."""


@dataclass(frozen=True)
class Pairing:
    """Runs of one training set and network beside those on real data alone, by the seeds that both have.

    The latter are of the same network, or of the one that it names as its baseline.
    """

    key: Key
    made: Mapping[int, Run]
    real: Mapping[int, Run]

    @property
    def seeds(self) -> list[int]:
        """Seeds that both have."""
        return sorted(self.made.keys() & self.real.keys())

    @property
    def about(self) -> dict[str, Any]:
        """What the training sets hold, and how long was trained."""
        made, real = self.made[self.seeds[0]][1], self.real[self.seeds[0]][1]
        return {SHARE: synthetic_share(made), "steps": made["steps"], "n_real": real["n_real"]}

    @property
    def val_gain(self) -> float:
        """Gain in mean IoU on validation tiles, in points; NaN where they hold no class."""
        found = [[runs[s][1]["val"]["miou"] for s in self.seeds] for runs in (self.made, self.real)]
        if None in (*found[0], *found[1]):
            return math.nan
        return float(100 * (np.mean(found[0]) - np.mean(found[1])))

    def counts(self, keys: Sequence[str], seeds: Sequence[int]) -> tuple[intervals.Counts, intervals.Counts]:
        """Confusions (seeds, units, K, K), made and real, of test tiles added up by ``keys``."""
        ours, theirs = (
            np.stack([intervals.summed(confusions(runs[s][0])[0], keys) for s in seeds])
            for runs in (self.made, self.real)
        )
        return ours, theirs


def gains(runs: Sequence[Path], scores: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each training set and network with its gain over real data alone, then all networks together.

    Args:
        runs: folders of trainings.
        scores: contents of their scores.json.
    """
    found = pairings(runs, scores)
    if not found:
        return
    unit, keys = intervals.units(confusions(runs[0])[1])
    if not keys:  # no test tiles
        return
    told = {"unit": unit, "units": len(set(keys))}
    best = chosen(found)
    for pairing in found:
        row = dict(zip(RUN, pairing.key, strict=True)) | pairing.about | told
        row |= {"seeds": len(pairing.seeds), "val_gain": pairing.val_gain, "chosen": pairing.key in best}
        yield row | {"found": intervals.gains(*pairing.counts(keys, pairing.seeds))}
    for generator in dict.fromkeys(p.key[0] for p in found):
        kept = [p for p in found if p.key in best and p.key[0] == generator]
        alike = {p.key[2] for p in found if (p.key[0] == REAL) == (generator == REAL)}
        if len(kept) == len(alike) and (row := together(kept, keys)):
            yield row | told


def pairings(runs: Sequence[Path], scores: Sequence[Mapping[str, Any]]) -> list[Pairing]:
    """Training sets and networks, in the order given, to be compared with a training on real data alone.

    These are sets with synthetic samples, and networks that name a baseline.
    """
    groups: dict[Key, dict[int, Run]] = {}
    for folder, body in zip(runs, scores, strict=True):
        key = (body["generator"], body["ratio"], body["network"])
        groups.setdefault(key, {})[body["seed"]] = (folder, body)
    named = tables.baselines(scores)
    made = [Pairing(k, runs, groups.get((REAL, 0, named.get(k[2], k[2])), {})) for k, runs in groups.items()]
    return [p for p in made if p.seeds and (p.key[0] != REAL or p.key[2] in named)]


def chosen(found: Sequence[Pairing]) -> set[Key]:
    """Of each generator and network the ratio that gains most on validation tiles; of equals the smallest."""
    best: dict[tuple[str, str], Pairing] = {}
    for pairing in sorted(found, key=lambda p: p.key[1]):
        generator, _, network = pairing.key
        other = best.get((generator, network))
        if not math.isnan(pairing.val_gain) and (other is None or pairing.val_gain > other.val_gain):
            best[generator, network] = pairing
    return {p.key for p in best.values()}


def together(kept: Sequence[Pairing], keys: Sequence[str]) -> dict[str, Any]:
    """Gain of the mean over networks, each at its chosen ratio; nothing if they have no seed in common."""
    seeds = sorted(set.intersection(*(set(p.seeds) for p in kept)))
    if not seeds:
        return {}
    ratios, about = {p.key[1] for p in kept}, [p.about for p in kept]
    return {
        "generator": kept[0].key[0],
        "ratio": ratios.pop() if len(ratios) == 1 else math.nan,
        "network": EVERY,
        **{k: v if all(a[k] == v for a in about) else math.nan for k, v in about[0].items()},
        "seeds": len(seeds),
        "val_gain": float(np.mean([p.val_gain for p in kept])),
        "chosen": True,
        "found": intervals.together([p.counts(keys, seeds) for p in kept]),
    }

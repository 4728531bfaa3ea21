"""What is wrong with the contents of masks: classes that are nowhere, and pixels of which files disagree."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landloom.config.check import CheckConfig
from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster import survey
from landloom.raster.scene_check import threads
from landloom.raster.survey import Pixels, SceneFacts
from landloom.scenes.splits import SPLITS

Counts = dict[str, NDArray[np.int64]]
"""Pixels (K,) of each class, or objects of each kind, by split."""


def scan(
    facts: Sequence[SceneFacts], config: CheckConfig, data: DataConfig, problems: list[InputError]
) -> tuple[list[Pixels], float]:
    """What masks hold, by scene, and the share of all mask pixels that was looked at."""
    parts, share = survey.strips(facts, config.mask_pixels)
    jobs = [(f.files, p) for f, p in zip(facts, parts, strict=True) if p]
    before = len(problems)
    found = survey.each(lambda job: survey.count(job[0], data, job[1]), jobs, problems, threads())
    return found, share if len(problems) == before else 0.0


def classes(found: Sequence[Pixels], data: DataConfig) -> Counts:
    """Pixels (K,) of each class by split."""
    counts: Counts = {s: np.zeros(len(data.classes), np.int64) for s in SPLITS}
    for one in found:
        for label, number in one.counts.items():
            counts[label] += number
    return counts


def absent(counts: Counts, data: DataConfig) -> list[InputError]:
    """Problems with classes that no mask holds, or no mask in train; unlabelled ones are never looked at."""
    problems = []
    for i, spec in enumerate(data.classes):
        remedy = "Merge or drop it in data.classes, or correct its values"
        if not sum(counts[s][i] for s in SPLITS):
            problems.append(InputError(f"data.classes '{spec.name}'", "no mask holds this class", remedy))
        elif not counts["train"][i]:
            places = " and ".join(s for s in SPLITS if counts[s][i])
            remedy = "Merge or drop it in data.classes, or change data.split (its seed, say)"
            remedy += "; data.split.labelled is low" if data.split.labelled < 1 else ""
            problems.append(
                InputError(f"data.classes '{spec.name}'", f"only {places} hold it, train does not", remedy)
            )
    return problems


def doubts(found: Sequence[Pixels]) -> list[str]:
    """Say where files and config disagree on what is missing."""
    said = []
    if hidden := [p for p in found if p.hidden]:
        said.append(
            f"{len(hidden)} masks, such as {hidden[0].scene.masks[0]}, have {sum(p.hidden for p in hidden)} "
            "pixels of a class that are transparent (alpha 0) or hidden by a mask band: transparent ones "
            "keep their class, hidden ones are ignored; to ignore a colour, move it to data.ignore"
        )
    if some := [p for p in found if p.uncovered]:
        share = sum(p.uncovered for p in some) / sum(p.seen for p in some)
        said.append(
            f"{len(some)} scenes, such as '{some[0].scene.name}', lie in part beside their masks: "
            f"{sum(p.uncovered for p in some)} of their pixels ({100 * share:.2g} %) are ignored"
        )
    if partly := [p for p in found if p.partly]:
        said.append(
            f"{len(partly)} scenes, such as {partly[0].scene.images[0]}, have "
            f"{sum(p.partly for p in partly)} pixels with nodata in some bands only: they count as data, for "
            "the value may be a measurement; if they are missing, give each band as a file of its own"
        )
    return said

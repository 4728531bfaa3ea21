"""Whether images hold the objects that were asked for, and no others, as a detector sees it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from landloom.config.curate import CurateConfig
from landloom.data import quality
from landloom.data.quality import Quality, Reason
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.detection import networks, predict
from landloom.detection.judgement import Judged
from landloom.detection.scenes import scenes
from landloom.detection.scores import Matches, matched
from landloom.runtime.reading import object_of


class Seen(NamedTuple):
    """What a detector sees in one image.

    Attributes:
        found: share of the asked objects that it finds, 0 to 1; None if none were asked for.
        unasked: share of what it finds that nobody asked for, 0 to 1; 0 if it finds nothing.
    """

    found: float | None
    unasked: float


def threshold(judged: Judged) -> float:
    """Score from which boxes serve best: that of the highest F1 at an overlap of 0.5; 1 if none is right."""
    every = [m for own in judged.values() for m in own]
    scores = np.concatenate([np.zeros(0), *(m.scores for m in every)])
    hits = np.concatenate([np.zeros(0, bool), *(m.hits[0] & ~m.ignored[0] for m in every)])
    counted = np.concatenate([np.zeros(0, bool), *(~m.ignored[0] for m in every)])
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    f1 = 2 * right / np.maximum(np.cumsum(counted[order]) + sum(m.objects for m in every), 1)
    return float(scores[order][f1.argmax()]) if right.size and right[-1] else 1.0


def judged(
    config: CurateConfig, dataset: Statistics, detector: Path, pairs: Iterable[Sample]
) -> Iterator[Sample]:
    """Yield pairs with what the detector of a run sees of their objects; others as they are.

    Raises:
        InputError: ``detector`` holds no detector.
    """
    model = networks.load(detector / "model")
    least = object_of(detector / "scores.json")["threshold"]
    for sample, boxes in predict.over(model, dataset, ((s, s.image_array()) for s in pairs)):
        if sample.objects is not None:
            sure = boxes.at(boxes.scores >= least)
            (own,) = matched(scenes([(sample, sure)]), len(model.classes), model.kind).values()
            sample.quality = verdict(config, of(own), sample.quality)
        yield sample


def verdict(config: CurateConfig, seen: Seen, before: Quality | None) -> Quality:
    """A quality with what was seen of the objects, and every reason to reject."""
    reasons = [] if seen.found is None else quality.below("objects found", seen.found, config.min_found)
    if seen.unasked > config.max_unasked:
        words = f"unasked objects {seen.unasked:.4f} > {config.max_unasked:.4f}"
        reasons.append(Reason("unasked objects", words))
    return quality.judged(before, seen._asdict(), reasons)


def of(own: list[Matches]) -> Seen:
    """Shares of the matches of each class in one image."""
    asked = sum(m.objects for m in own)
    hits, counted = (sum(int(x.sum()) for x in part) for part in zip(*map(_first, own), strict=True))
    return Seen(hits / asked if asked else None, 1 - hits / counted if counted else 0.0)


def _first(one: Matches) -> tuple[Any, Any]:
    """What is right and what counts, at an overlap of 0.5."""
    return one.hits[0] & ~one.ignored[0], ~one.ignored[0]

"""Whether a synthetic sample is good enough to train on, and why not.

``label_sample`` and ``image_sample`` begin it, ``curate`` completes it; ``mix``, ``evaluate``, ``export`` and
``report`` read it. A sample without it was never judged, and may be trained on.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, NamedTuple

import pyarrow as pa

from landloom.data.columns import struct

COPY = "copy of a real tile"
"""Kind of the reason that the report shows first."""


@dataclass
class Scores:
    """What was measured on a sample; None where it was not.

    Attributes:
        agreement: share of pixels on which mask and judge agree, 0 to 1.
        relative: the same over what the judge reaches on real pairs with these classes.
        residual: mean distance of the drawn colours to the palette, channels from -1 to 1.
        one_tile: largest share of the pixels that were cut from one real tile, 0 to 1.
        realism: of the image beside real train tiles; 1 is as near as they are to each other.
        distance: feature distance to the nearest real train tile.
        rank: share of real tiles nearer to their own nearest neighbour, 0 to 1; NaN when all overlap.
        found: share of the asked objects that a detector finds, 0 to 1.
        unasked: share of the objects it finds that nobody asked for, 0 to 1.
    """

    agreement: Annotated[float | None, pa.float64()] = None
    relative: Annotated[float | None, pa.float64()] = None
    residual: Annotated[float | None, pa.float64()] = None
    one_tile: Annotated[float | None, pa.float64()] = None
    realism: Annotated[float | None, pa.float64()] = None
    distance: Annotated[float | None, pa.float64()] = None
    rank: Annotated[float | None, pa.float64()] = None
    found: Annotated[float | None, pa.float64()] = None
    unasked: Annotated[float | None, pa.float64()] = None


@dataclass
class Quality:
    """The verdict on a sample.

    Attributes:
        accepted: whether it may be trained on.
        reasons: kinds of the reasons to reject it, which can be counted.
        details: each reason in words, with its numbers.
        nearest: id of the nearest real train tile, or None.
        scores: what was measured.
    """

    accepted: Annotated[bool, pa.bool_()] = True
    reasons: Annotated[list[str], pa.list_(pa.string())] = field(default_factory=list)
    details: Annotated[list[str], pa.list_(pa.string())] = field(default_factory=list)
    nearest: Annotated[str | None, pa.string()] = None
    scores: Annotated[Scores, struct(Scores)] = field(default_factory=Scores)


class Reason(NamedTuple):
    """Why a sample is rejected: the kind of reason, and the whole of it in words."""

    kind: str
    words: str


def judged(
    before: Quality | None,
    scores: Mapping[str, float | None],
    reasons: Sequence[Reason] = (),
    nearest: str | None = None,
) -> Quality:
    """A quality with more scores and reasons. What came rejected stays so, with its reasons last."""
    old = before or Quality()
    return Quality(
        accepted=old.accepted and not reasons,
        reasons=[*(r.kind for r in reasons), *old.reasons],
        details=[*(r.words for r in reasons), *old.details],
        nearest=nearest or old.nearest,
        scores=replace(old.scores, **scores),
    )


def below(kind: str, value: float, minimum: float) -> list[Reason]:
    """The reason why a score is too small; none when it is not."""
    return [Reason(kind, f"{kind} {value:.4f} < {minimum:.4f}")] if value < minimum else []


def accepted(quality: Quality | None) -> bool:
    """Whether a sample may be trained on; one that was never judged may."""
    return quality is None or quality.accepted


def score(quality: Quality | None, name: str) -> float:
    """A score by its name; NaN when the sample does not have it."""
    found = getattr(quality.scores, name) if quality else None
    return float("nan") if found is None else float(found)


def mean_score(qualities: Iterable[Quality | None], name: str) -> float:
    """Mean of a score over the samples that have it; NaN when none has."""
    found = [x for x in (score(q, name) for q in qualities) if not math.isnan(x)]
    return sum(found) / len(found) if found else float("nan")

"""The verdict in a sample's note: written by ``curate``, read by ``mix``, ``evaluate`` and ``report``.

It reads ``accepted agreement=0.7100 realism=0.9000; mix=real``, or ``rejected: <reasons>; agreement=0.2100;
mix=real``. What was noted before stays behind it.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

REJECTED = "rejected"


def write(scores: Mapping[str, float | str], reasons: Sequence[str], note: str | None) -> str:
    """Note of a judged sample. A sample that came rejected stays so, with its reason."""
    if note and note.startswith(REJECTED):
        first, _, note = note.partition("; ")
        reasons = [*reasons, first.removeprefix(f"{REJECTED}: ")]
    found = " ".join(f"{k}={v if isinstance(v, str) else format(v, '.4f')}" for k, v in scores.items())
    verdict = f"{REJECTED}: {', '.join(reasons)}; {found}" if reasons else f"accepted {found}"
    return f"{verdict}; {note}" if note else verdict


def below(name: str, value: float, minimum: float) -> list[str]:
    """The reason why a score is too small; none when it is not."""
    return [f"{name} {value:.4f} < {minimum:.4f}"] if value < minimum else []


def above(name: str, value: float, maximum: float | None) -> list[str]:
    """The reason why a score is too large; none when it is not, is NaN, or has no maximum."""
    return [f"{name} {value:.3f} > {maximum:g}"] if maximum is not None and value > maximum else []


def accepted(note: str | None) -> bool:
    """Whether a sample may be trained on; one that was never judged may."""
    return note is None or not note.startswith(REJECTED)


def reason(note: str | None) -> str:
    """Why a sample was rejected, in a few words."""
    return (note or "").split(";")[0].removeprefix(REJECTED).strip(" :") or "no reason given"


def kinds(note: str | None) -> list[str]:
    """Kinds of the reasons, without their numbers: what may be counted."""
    return [re.split(r"[:\d<>]", part)[0].strip() for part in reason(note).split(", ")]


def score(note: str | None, name: str) -> float:
    """Read a score from a note; NaN when the sample does not have it."""
    found = re.search(rf"\b{name}=(-?\d+\.?\d*)", note or "")
    return float(found[1]) if found else float("nan")


def mean_score(notes: Iterable[str | None], name: str) -> float:
    """Mean of a score over the notes that have it; NaN when none has."""
    found = [x for x in (score(n, name) for n in notes) if not math.isnan(x)]
    return sum(found) / len(found) if found else float("nan")


def text(note: str | None, name: str) -> str | None:
    """Read a word from a note; None when the sample does not have it."""
    found = re.search(rf"\b{name}=([^;]+?)(?: \w+=|;|$)", note or "")
    return found[1] if found else None

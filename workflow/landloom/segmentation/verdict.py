"""The judge's verdict in a sample's note: written by ``curate``, read by ``mix`` and ``evaluate``."""

import re

REJECTED = "rejected"
PATTERN = re.compile(r"(?:accepted|rejected:) agreement[= ](\d\.\d+)")


def write(agreement: float, minimum: float, note: str | None) -> str:
    """Note of a judged sample; what was noted before is kept behind it."""
    if agreement < minimum:
        verdict = f"{REJECTED}: agreement {agreement:.4f} < {minimum:.4f}"
    else:
        verdict = f"accepted agreement={agreement:.4f}"
    return f"{verdict}; {note}" if note else verdict


def accepted(note: str | None) -> bool:
    """Whether a sample may be trained on; one that was never judged may."""
    return note is None or not note.startswith(REJECTED)


def agreement(note: str | None) -> float:
    """Read the agreement (0 to 1) from a note; NaN when the sample was never judged."""
    found = PATTERN.match(note or "")
    return float(found[1]) if found else float("nan")

"""Day, cloud and place of an image, as people and programs write them. Standard library only."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from landloom.errors import InputError

UNKNOWN = "unknown"
"""Stands for no value where a list needs a word for each scene."""
DIGITS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%j": r"\d{3}"}
"""Parts of a day in a name: year, month, day of the month, day of the year."""


def day(text: str, where: str) -> date:
    """The day in a text such as '2024-09-01', '2024:09:01 10:12:30', '20240901' or '2024-09-01T10:12Z'.

    Raises:
        InputError: it is no such day; ``where`` names file and field.
    """
    plain = re.sub("[:/]", "-", re.split("[T ]", text.strip())[0])
    try:
        return date.fromisoformat(plain)
    except ValueError:
        raise InputError(where, f"'{text}' is no date", "Write YYYY-MM-DD, or nothing") from None


def in_name(name: str, form: str, where: str) -> date | None:
    """The day that a name holds in a form of ``strptime``, such as '%Y%m%d'; None where it holds none.

    Digits beside those of the day make it another number. What is not in the calendar is no day here.

    Raises:
        InputError: the name holds two different days; ``where`` names the setting.
    """
    pattern = "".join(DIGITS.get(p, re.escape(p)) for p in re.findall("%.|[^%]", form))
    found = set()
    for text in re.findall(rf"(?<!\d){pattern}(?!\d)", name):
        try:
            found.add(datetime.strptime(text, form).date())
        except ValueError:
            continue
    if len(found) > 1:
        days = " and ".join(d.isoformat() for d in sorted(found))
        raise InputError(where, f"the name '{name}' holds {days}", "Give the days in a manifest")
    return next(iter(found), None)


def share(text: str, where: str) -> float:
    """A share of cloud from 0 to 1.

    Raises:
        InputError: it is no such number; ``where`` names file and field.
    """
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not 0 <= found <= 1:  # NaN, too
        raise InputError(where, f"'{text}' is no share of cloud", "Give 0 to 1, not per cent, or nothing")
    return found


def _number(low: float, high: float, what: str) -> Callable[[str, str], float]:
    """What reads a number within limits from a text; ``what`` says what it is."""

    def read(text: str, where: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = float("nan")
        if not low <= found <= high:  # NaN, too
            remedy = f"Give {what} from {low:g} to {high:g}, or nothing"
            raise InputError(where, f"'{text}' is not that", remedy)
        return found

    return read


TOLD: dict[str, Callable[[str, str], Any]] = {
    "acquired": day,
    "cloud": share,
    "gsd": _number(1e-3, 1e5, "metres of the ground that a pixel spans"),
    "lon": _number(-180, 180, "degrees east of its centre"),
    "lat": _number(-90, 90, "degrees north of its centre"),
}
"""What a manifest or the config may say of the image of a scene, and what reads it from a text."""

"""Day and cloud of an image, as people and programs write them. Standard library only."""

import re
from datetime import date

from landloom.errors import InputError

UNKNOWN = "unknown"
"""Stands for no value where a list needs a word for each scene."""


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

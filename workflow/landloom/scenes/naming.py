"""Names of scenes, and what stands for them in paths and ids. Standard library only.

A name is shown as the user wrote it. It becomes a part of paths, of wildcards and of sample ids by ``coded``
alone, so that what a file system, a shell, an address or a spreadsheet takes for a sign of its own never gets
there.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from landloom.errors import InputError
from landloom.scenes.acquisition import UNKNOWN

LONGEST = 190
"""Most bytes of a code: file systems take 255, and records, locks and places of tiles add."""
ESCAPE = "~"
"""Begins a coded byte. It means nothing in shells (but in front of a word, which a path never has), in
addresses, regular expressions, patterns of files and formulas of spreadsheets."""

PLACE = "place"
"""Wildcard of a pattern that names the place of a scene."""


def spelt(name: str, where: str) -> str:
    """The name as it is shown and compared: accents are one sign with their letter, as macOS has them apart.

    Bytes that are no UTF-8 are shown as their numbers.

    Raises:
        InputError: the name is blank, or has a line break or another control sign, which no list can hold.
    """
    found = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if not found.strip():
        raise InputError(where, "a scene has no name", "Give every scene a name")
    if wrong := [c for c in found if unicodedata.category(c) in ("Cc", "Zl", "Zp")]:
        said = f"the name of scene {found!r} holds {wrong[0]!r}, a line break or another control sign"
        raise InputError(where, said, "Rename it")
    return unicodedata.normalize("NFC", found)


def place(name: str, where: str) -> str:
    """The name of a place as it is shown and compared.

    Raises:
        InputError: it is no name, or the word that stands for no place.
    """
    found = spelt(name, where)
    if found == UNKNOWN:
        raise InputError(
            where, f"'{found}' is no name of a place", "Leave it out, or call the place otherwise"
        )
    return found


def placed(values: Mapping[str, str], where: str) -> str | None:
    """The place that the wildcard {place} of a pattern names; None without this wildcard."""
    return place(values[PLACE], where) if PLACE in values else None


def coded(name: str) -> str:
    """What stands for the name in paths and ids; two names never have one code.

    Letters and digits of any script, '.', '_' and '-' stand for themselves. Each byte of other signs, and of
    a dot in front, which would hide a file, becomes ``~`` and two hexadecimal digits. The end of a code that
    is too long is replaced by a digest of the name, after two ``~``.
    """
    code = "".join(c if _plain(c) and (i or c != ".") else _escaped(c) for i, c in enumerate(name))
    if len(code.encode()) <= LONGEST:
        return code
    end = 2 * ESCAPE + hashlib.sha256(name.encode()).hexdigest()[:16]
    return code.encode()[: LONGEST - len(end)].decode(errors="ignore") + end


def scaled(code: str, scale: int) -> str:
    """The code of a scene or of a shard of tiles at a scale; at 1 it stays as it is.

    No code of a name ends so: behind its ``~`` stand hexadecimal digits or another ``~``.
    """
    return code if scale == 1 else f"{code}{ESCAPE}x{scale}"


def _plain(sign: str) -> bool:
    return sign in "._-" or unicodedata.category(sign)[0] in "LMN"


def _escaped(sign: str) -> str:
    return "".join(f"{ESCAPE}{byte:02X}" for byte in sign.encode())


def takes_capitals_for_small(folder: Path) -> bool:
    """Whether the file system of a folder gives it under its name in other capitals, too."""
    place = folder.resolve()
    other = place.parent / place.name.swapcase()
    return other.name != place.name and other.exists() and other.samefile(place)

"""Files that may be damaged: whatever a library raises on their bytes is said in one sentence."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from landloom.errors import InputError

LAYERS = 1_000
"""Most layers, levels or blocks of a network."""
SHOWN = 200
"""Most characters of a library's own words."""


@contextmanager
def reading(path: object, found: str, remedy: str) -> Iterator[None]:
    """Turn any failure to read a file, or a folder, into an InputError that names it.

    Parsers promise no set of exceptions for damaged bytes: a lying length alone may end in one of memory, of
    recursion or of a look-up. Only put the reading itself under this.

    Args:
        path: the file.
        found: what is wrong then, such as "is no JSON".
        remedy: what to do.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(path, f"{found} ({_said(error)})", remedy) from None


def _said(error: Exception) -> str:
    """First line of a library's own words; with the name of the error where they would say little."""
    lines = str(error).strip().splitlines() or [""]
    plain = lines[0] and not isinstance(error, LookupError)
    return (lines[0] if plain else f"{type(error).__name__} {lines[0]}".strip())[:SHOWN]


def json_of(path: Path, remedy: str = "Delete it and run again what makes it") -> Any:
    """What a JSON file holds.

    Raises:
        InputError: it is not there, or is no JSON.
    """
    with reading(path, "cannot be read as JSON", remedy):
        return json.loads(path.read_text(encoding="utf-8"))


def object_of(path: Path, remedy: str = "Delete it and run again what makes it") -> dict[str, Any]:
    """What a JSON file holds that is an object.

    Raises:
        InputError: it is not there, or is no JSON object.
    """
    found = json_of(path, remedy)
    if not isinstance(found, dict):
        raise InputError(path, "is no JSON object", remedy)
    return found


def network_of(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON config of a network that can be built.

    Raises:
        InputError: it is no JSON object, or asks for so many layers that building them would never end.
    """
    found = object_of(path, remedy)
    for key, value in found.items():
        most = max((v for v in (value if isinstance(value, list) else [value]) if _number(v)), default=0)
        if most > LAYERS and any(word in key for word in ("layers", "levels", "depth", "blocks")):
            raise InputError(f"{path}, {key}", f"{most:.0f} are more than any network has", remedy)
    return found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

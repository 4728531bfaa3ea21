"""Files that may be damaged: whatever a library raises on their bytes is said in one sentence."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from landloom.errors import InputError

AGAIN = "Delete it and run again what makes it"
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


def json_of(path: Path, remedy: str = AGAIN, found: str = "cannot be read as JSON") -> Any:
    """What a JSON file holds; ``found`` says what it is not, if it is none.

    Raises:
        InputError: it is not there, or is no JSON.
    """
    with reading(path, found, remedy):
        return json.loads(path.read_text(encoding="utf-8"))


def object_of(path: Path, remedy: str = AGAIN, found: str = "is no JSON object") -> dict[str, Any]:
    """What a JSON file holds that is an object.

    Raises:
        InputError: it is not there, or is no JSON object.
    """
    body = json_of(path, remedy, found)
    if not isinstance(body, dict):
        raise InputError(path, found, remedy)
    return body


def network_of(path: Path, remedy: str, found: str = "is no config of a network") -> dict[str, Any]:
    """The JSON config of a network that can be built.

    Raises:
        InputError: it is no JSON object, or asks for so many layers that building them would never end.
    """
    body = object_of(path, remedy, found)
    require_layers(body, path, remedy)
    return body


def require_layers(config: Mapping[str, Any], path: Path, remedy: str) -> None:
    """Make sure that a network can be built.

    Raises:
        InputError: it has so many layers that this would never end.
    """
    for key, value in config.items():
        most = max((v for v in (value if isinstance(value, list) else [value]) if _number(v)), default=0)
        if most > LAYERS and any(word in key for word in ("layers", "levels", "depth", "blocks")):
            raise InputError(f"{path}, {key}", f"{most:.0f} are more than any network has", remedy)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

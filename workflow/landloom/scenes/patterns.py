"""Patterns of files with wildcards, such as ``images/{scene}.tif``. Standard library only."""

import glob
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from landloom.errors import InputError

WILDCARD = re.compile(r"\{(\w+)\}")


def wildcards(pattern: str) -> list[str]:
    """Names of the wildcards of a pattern, in order."""
    return list(dict.fromkeys(WILDCARD.findall(pattern)))


def matched(
    field: str, images: list[str], others: Mapping[str, str] | None = None
) -> list[tuple[tuple[Path, ...], dict[str, str]]]:
    """Image files of each scene that patterns match, with the values of the wildcards.

    Args:
        field: key of the config that holds the patterns.
        images: patterns of the files whose bands are stacked.
        others: further patterns that must have the same wildcards, by key of the config.

    Raises:
        InputError: a pattern is malformed, or nothing matches any.
    """
    order = wildcards(images[0] if images else "")
    for key, pattern in [*((field, p) for p in images), *(others or {}).items()]:
        check_pattern(key, pattern, order)
    # A scene is there when any of its image files is; check reports those that are not.
    found = sorted({values for pattern in images for values in matches(pattern, order)})
    if not found:
        raise _no_match(field, images[0])
    every = [dict(zip(order, values, strict=True)) for values in found]
    return [(tuple(Path(fill(p, values)) for p in images), values) for values in every]


def check_pattern(field: str, pattern: str, order: list[str]) -> None:
    """Raise InputError when a pattern has other wildcards than those in ``order``, or a stray brace."""
    if re.search(r"[{}]", WILDCARD.sub("", pattern)):
        raise InputError(
            field, f"'{pattern}' has a brace that is no wildcard", "Write wildcards like {scene}"
        )
    found = set(WILDCARD.findall(pattern))
    if not found:
        raise InputError(
            field, f"'{pattern}' has no wildcard", "Put {scene} into it, or list the scenes under data.scenes"
        )
    if found != set(order):
        raise InputError(
            field,
            f"'{pattern}' has the wildcards {', '.join(sorted(found))}, the first image pattern has "
            f"{', '.join(sorted(order))}",
            "Use the same wildcards in all patterns",
        )


def matches(pattern: str, order: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the values of the wildcards, in an order, of each file that a pattern matches."""
    pattern = str(Path(pattern))  # as glob spells what it finds
    parts = WILDCARD.split(pattern)  # literal, name, literal, name, ...
    wild = "".join("*" if i % 2 else glob.escape(p) for i, p in enumerate(parts))
    seen: set[str] = set()
    regex = ""
    for i, part in enumerate(parts):
        if i % 2 == 0:
            regex += re.escape(part)
        else:
            regex += f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+)"
            seen.add(part)
    for path in glob.glob(wild):  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if match := re.fullmatch(regex, Path(path).as_posix()):
            yield tuple(match[name] for name in order)


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """The path that a pattern means for some values of its wildcards.

    Raises:
        InputError: as ``inside``.
    """
    return WILDCARD.sub(lambda m: inside(values[m[1]], pattern), pattern)


def inside(value: str, pattern: str) -> str:
    """A name as a part of a path; names may come from a table that somebody else wrote.

    Raises:
        InputError: with it the path would leave the folder that the pattern names.
    """
    path = PurePath(value)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"'{pattern}'", f"'{value}' would lead out of its folder", "Rename the scene")
    return value


def _no_match(field: str, pattern: str) -> InputError:
    folder = Path(WILDCARD.split(pattern)[0] + "x").parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    held = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    shown = ", ".join(held[:5]) + (", ..." if len(held) > 5 else "")
    return InputError(
        field,
        f"no file matches '{pattern}'; the nearest folder that exists is '{folder}', "
        f"with {shown or 'nothing'} in it",
        "Fix the pattern; paths are relative to the working folder, and neither '~' nor addresses such as "
        "https:// are understood",
    )

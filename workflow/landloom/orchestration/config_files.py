"""Config files, read and merged as Snakemake does, for commands that run without it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

from landloom.config import merge
from landloom.errors import InputError

VALUES = 1_000_000
"""Most values of a config; a few aliases of aliases make billions."""


def require_unique(files: Iterable[Path]) -> None:
    """Raise InputError for a key that stands twice in one mapping: YAML takes the last and says nothing.

    Raises:
        InputError: names the file, the key and both lines; or its aliases repeat values without end.
    """
    for file in files:
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"))
            count = 0 if root is None else _values(root, {})
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            continue  # Snakemake says what is wrong with it
        if count > VALUES:
            found = f"its aliases (*name) make more than {VALUES:,} values of it"
            raise InputError(file, found, "Write out what is meant")
        for first, again in _repeated(root):
            found = f"key '{again.value}' stands in line {first} and in line {again.start_mark.line + 1}"
            raise InputError(file, found, "Merge the two: YAML takes the last alone")


def _values(node: yaml.Node, known: dict[int, float]) -> float:
    """Values of a node with all aliases written out; infinitely many if it holds itself."""
    if id(node) not in known:
        known[id(node)] = math.inf  # while it is counted
        below = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = (part for entry in below for part in (entry if isinstance(entry, tuple) else (entry,)))
        known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]


def _repeated(node: yaml.Node | None) -> Iterator[tuple[int, yaml.Node]]:
    """Yield the line of each key that is repeated, and the node that repeats it."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            if str(key.value) in lines:
                yield lines[str(key.value)], key
            lines[str(key.value)] = key.start_mark.line + 1
            yield from _repeated(value)


def read(files: Sequence[Path]) -> dict[str, Any]:
    """The config of one or more files; a later one is laid over the earlier ones, key by key.

    Raises:
        InputError: a file is missing, no YAML or JSON, holds no mapping, or a key twice.
    """
    merged: dict[str, Any] = {}
    require_unique(f for f in files if f.is_file())
    for file in files:
        if not file.is_file():
            raise InputError(file, "the config file does not exist", "Give yours with --configfile FILE ...")
        try:
            merged = merge(merged, load_configfile(str(file)))
        except (WorkflowError, ValueError, RecursionError) as error:
            raise InputError(file, f"not a config ({error})", "Correct its YAML") from None
    return merged

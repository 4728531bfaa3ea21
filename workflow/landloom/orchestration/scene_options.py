"""Options of ``tile`` that say of each scene what its rasters do not: day, place, and lists of objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landloom.scenes import patterns
from landloom.scenes.acquisition import TOLD, UNKNOWN
from landloom.scenes.splits import UNLABELLED

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


def acquisition(dag: "Dag", scenes: Sequence[str]) -> str:
    """Options that say when, where and how each scene was taken, as a manifest says."""
    found = [dag.scenes[s] for s in scenes]
    given: dict[str, list[Any]] = {name: [getattr(s, name) for s in found] for name in TOLD}
    return " ".join(
        f"--{name} {dag.lists.words(name, [UNKNOWN if v is None else str(v) for v in values])}"
        for name, values in given.items()
        if any(v is not None for v in values)
    )


def object_files(dag: "Dag", scenes: Sequence[str]) -> list[str]:
    """Files that list the objects of the labelled ones of some scenes: those that are there, each once."""
    return list(dict.fromkeys(str(path) for path in _listings(dag, scenes) if path is not None))


def objects(dag: "Dag", scenes: Sequence[str]) -> str:
    """Options that name the lists of objects; nothing without any."""
    if dag.config.data.objects is None:
        return ""
    files = dag.lists.words("objects", object_files(dag, scenes))
    if not patterns.wildcards(dag.config.data.objects.path):
        return f"--objects {files}"
    listed = ["no" if path is None else "yes" for path in _listings(dag, scenes)]
    return f"--objects {files} --listed {dag.lists.words('listed', listed)}"


def _listings(dag: "Dag", scenes: Sequence[str]) -> list[Path | None]:
    """For each scene the file that lists its objects; None where it is not there or not used."""
    section = dag.config.data.objects
    if section is None:
        return []
    single = not patterns.wildcards(section.path)
    found = {s: dag.scenes[s].objects for s in scenes if dag.splits[s] != UNLABELLED}
    there = {s: path for s, path in found.items() if path is not None and (single or path.is_file())}
    return [there.get(s) for s in scenes]

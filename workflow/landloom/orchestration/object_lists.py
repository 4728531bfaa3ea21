"""Lists of objects of the scenes that a job cuts: inputs and options of the rule ``tile_scenes``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landloom.scenes import patterns
from landloom.scenes.splits import UNLABELLED

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


class ObjectLists:
    """What a run knows of lists of objects.

    Args:
        dag: the run.
    """

    def __init__(self, dag: "Dag") -> None:
        self.dag = dag

    def all_files(self) -> list[str]:
        """Those of all scenes."""
        return _files(self.dag, list(self.dag.scenes))

    def files(self, wildcards: Any) -> list[str]:
        """Those of the labelled scenes of a part that are there, each once."""
        return _files(self.dag.at(wildcards), self.dag.part(wildcards))

    def options(self, wildcards: Any) -> str:
        """Options that name them; nothing without any."""
        dag = self.dag.at(wildcards)
        section, scenes = dag.config.data.objects, dag.part(wildcards)
        if section is None:
            return ""
        files = dag.lists.words("objects", _files(dag, scenes))
        if not patterns.wildcards(section.path):
            return f"--objects {files}"
        listed = ["no" if path is None else "yes" for path in _listings(dag, scenes)]
        return f"--objects {files} --listed {dag.lists.words('listed', listed)}"


def _files(dag: "Dag", scenes: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(str(path) for path in _listings(dag, scenes) if path is not None))


def _listings(dag: "Dag", scenes: Sequence[str]) -> list[Path | None]:
    """For each scene the file that lists its objects; None where it is not there or not used."""
    section = dag.config.data.objects
    if section is None:
        return []
    single = not patterns.wildcards(section.path)
    found = {s: dag.scenes[s].objects for s in scenes if dag.splits[s] != UNLABELLED}
    there = {s: path for s, path in found.items() if path is not None and (single or path.is_file())}
    return [there.get(s) for s in scenes]

"""Maps of the scenes that a job cuts: inputs and options of the rule ``tile_scenes``."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landloom.scenes import maps
from landloom.scenes.discovery import beside

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


class MapFiles:
    """What a run knows of maps.

    Args:
        dag: the run.
    """

    def __init__(self, dag: "Dag") -> None:
        self.dag = dag

    def all_files(self) -> list[str]:
        """Those of all scenes, then their legend."""
        return self._of(list(self.dag.scenes))

    def files(self, wildcards: Any) -> list[str]:
        """Those of a part, then their legend; nothing where maps are off."""
        return self._of(self.dag.part(wildcards))

    def options(self, wildcards: Any) -> str:
        """Options that name them."""
        *files, legend = self.files(wildcards) or [""]
        given = f"--maps {self.dag.lists.words('maps', files)}" if files else ""
        return f"{given} --legend {shlex.quote(legend)}" if legend else ""

    def _of(self, scenes: Sequence[str]) -> list[str]:
        """Those of some scenes, each once with what lies beside a Shapefile, then their legend."""
        config = self.dag.config.data.map
        if config is None:
            return []
        found = [maps.source(config, s) for s in scenes]
        files = [f for f in dict.fromkeys(found) if f is not None]
        return [*(str(f) for file in files for f in (file, *beside(file))), config.legend]

"""What jobs that cut tiles are told of scenes beside their files: days, clouds, places, and other days."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from landloom.scenes.acquisition import TOLD, UNKNOWN
from landloom.scenes.discovery import SceneFiles

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


class ToldOfScenes:
    """Inputs and options of the rule ``tile_scenes``.

    Args:
        dag: the run.
    """

    def __init__(self, dag: "Dag") -> None:
        self.dag = dag

    @cached_property
    def places(self) -> Mapping[str, Sequence[SceneFiles]]:
        """Scenes of each place that is shown by more than one."""
        found: dict[str, list[SceneFiles]] = {}
        for scene in self.dag.scenes.values():
            if scene.place is not None:
                found.setdefault(scene.place, []).append(scene)
        return {place: scenes for place, scenes in found.items() if len(scenes) > 1}

    def of(self, wildcards: Any) -> list[SceneFiles]:
        """Scenes whose days are laid over those of a part: all of their places, if that is asked for."""
        if self.dag.config.tile.dates is None:
            return []
        shown = dict.fromkeys(s.place for s in self._part(wildcards) if s.place in self.places)
        return [scene for place in shown if place is not None for scene in self.places[place]]

    def references(self, wildcards: Any) -> list[str]:
        """Their image files, an input of the rule."""
        return [str(path) for scene in self.of(wildcards) for path in scene.images]

    def options(self, wildcards: Any) -> str:
        """When each scene was taken, how cloudy it is and what it shows, as a manifest says; days; scale."""
        own, others = self._part(wildcards), self.of(wildcards)
        files = [scene for scene in others for _ in scene.images]
        told: dict[str, Sequence[str | None]] = {
            **{name: [text(getattr(s, name)) for s in own] for name in TOLD},
            "place": [s.place for s in own],
            "reference": [str(path) for s in others for path in s.images],
            "reference-scene": [s.name for s in files],
            "reference-place": [s.place for s in files],
            "reference-acquired": [s.acquired for s in files],
            "scale": [self.dag.levels.scale(wildcards)],
        }
        given = {name: values for name, values in told.items() if any(v is not None for v in values)}
        return " ".join(f"--{name} {self._words(name, values)}" for name, values in given.items())

    def _part(self, wildcards: Any) -> list[SceneFiles]:
        return [self.dag.scenes[name] for name in self.dag.part(wildcards)]

    def _words(self, name: str, values: Sequence[str | None]) -> str:
        return self.dag.lists.words(name, [UNKNOWN if v is None else v for v in values])


def text(value: object) -> str | None:
    """A value as a word, if there is one."""
    return None if value is None else str(value)

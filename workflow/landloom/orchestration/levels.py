"""Shards of tiles at each scale. No heavy imports: every job parses this."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from landloom.scenes.naming import scaled

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


class Level(NamedTuple):
    """A shard of tiles: a part of the scenes, at a scale."""

    part: str
    scale: int


class Levels:
    """Which shards of tiles there are.

    Those of scale 1 are ``Dag.parts``, and all that a stage reads unless it asks for these.

    Args:
        dag: the run.
    """

    def __init__(self, dag: "Dag") -> None:
        self.dag = dag

    @cached_property
    def shards(self) -> dict[str, Level]:
        """By name, those of scale 1 first."""
        return {scaled(p, s): Level(p, s) for s in self.dag.config.tile.scales for p in self.dag.parts}

    def words(self, wildcards: Any) -> str:
        """Scenes of a shard, for the command that cuts it."""
        return self.dag.lists.words("scene", self.dag.part(wildcards))

    def scale(self, wildcards: Any) -> str | None:
        """Its scale, likewise; None where there is one scale alone."""
        several = len(self.dag.config.tile.scales) > 1
        return str(self.shards[wildcards.scene].scale) if several else None

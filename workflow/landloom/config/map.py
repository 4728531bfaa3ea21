"""A map of the ground: where its vector features are, and how the condition ``map`` tells it."""

from typing import Self

from pydantic import Field, model_validator

from landloom.config.section import Section

SCENE = "{scene}"
"""Wildcard of the source that stands for a scene's name."""


class MapSourceConfig(Section):
    """Vector features that are drawn onto the grid of each tile."""

    source: str = Field(min_length=1)
    """GeoPackage, FlatGeobuf, GeoJSON, Shapefile or extract of OpenStreetMap (.osm.pbf), in any coordinate
    system. One file for all scenes: nothing is known outside of the extent of its features. Or a pattern with
    {scene}: a scene without a file has no map, and what a file does not show is not there."""
    legend: str = Field(min_length=1)
    """CSV with the columns key, value, class and, if wanted, width_m (of lines and points) and order."""
    layer: str | None = None
    """Layer of the file; all of them when absent."""

    @model_validator(mode="after")
    def _wildcard(self) -> Self:
        rest = self.source.replace(SCENE, "")
        if "{" in rest or "}" in rest:
            raise ValueError(f"source: '{self.source}' has a brace that is no {SCENE}")
        return self


class KeptMapConfig(Section):
    """The map that is kept of each tile: all of it, so there is nothing to set."""


class MapConfig(KeptMapConfig):
    """How a map is told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images without it, for guidance and for samples that have no map."""

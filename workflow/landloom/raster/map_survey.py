"""A look at maps before any job starts: what is wrong with them, and what they do not draw."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.warp
from rasterio.crs import CRS

from landloom.config.map import SCENE, MapSourceConfig
from landloom.errors import Findings, InputError, InputErrors
from landloom.raster import map_features, map_legend
from landloom.raster.map_legend import MapLegend
from landloom.raster.scene_maps import placeless
from landloom.raster.survey import SceneFacts
from landloom.raster.vectors import Bounds
from landloom.runtime.importing import importing
from landloom.scenes import maps

SHOWN = 10
"""Tags that are listed at most."""
DEGREES = CRS.from_epsg(4326)


@dataclass
class Found:
    """What was found of maps.

    Attributes:
        problems: what is wrong.
        none: scenes without a file, or outside of what it knows.
        empty: scenes in which nothing is drawn.
        drawn: number of scenes in which something is.
        unknown: features with a key of the legend, but a value that it does not list; by tag.
    """

    problems: list[InputError] = field(default_factory=list)
    none: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    drawn: int = 0
    unknown: Counter[str] = field(default_factory=Counter)


def look(config: MapSourceConfig | None, facts: Sequence[SceneFacts]) -> Findings:
    """Problems with the maps of scenes, and what is not wrong but may surprise."""
    if config is None:
        return Findings()
    try:
        legend = map_legend.read(Path(config.legend))
    except InputErrors as error:
        return Findings(list(error.problems))
    except InputError as error:
        return Findings([error])
    found = Found()
    for scene in facts:
        _scene(config, legend, scene, found)
    if facts and not found.drawn and not found.problems:
        found.problems.append(_nowhere(config, facts))
    return Findings(_merged(found.problems), list(_remarks(config, found)))


def _merged(problems: Sequence[InputError]) -> list[InputError]:
    """One problem for all scenes that have to be mended in the same way."""
    kinds: dict[str, list[InputError]] = {}
    for problem in problems:
        kinds.setdefault(problem.remedy, []).append(problem)
    return [
        InputError(first.where, first.found + (f" ({len(rest)} more scenes, too)" if rest else ""), remedy)
        for remedy, (first, *rest) in kinds.items()
    ]


def _scene(config: MapSourceConfig, legend: MapLegend, scene: SceneFacts, found: Found) -> None:
    path = maps.source(config, scene.files.name)
    if path is None:
        found.none.append(scene.files.name)
        return
    if scene.crs is None or not scene.ground:
        found.problems.append(placeless(scene.files.name))
        return
    try:
        if SCENE not in config.source and not _covered(config, path, scene):
            found.none.append(scene.files.name)
            return
        features = map_features.read(path, config.layer, legend, bounds(scene), scene.crs)
    except InputError as error:
        found.problems.append(error)
        return
    found.unknown += features.unknown
    found.drawn += bool(len(features.shapes))
    found.empty += [] if len(features.shapes) else [scene.files.name]


def bounds(scene: SceneFacts) -> Bounds:
    """Bounds of a scene that has a place, in its own CRS."""
    points = np.concatenate([g.quad for g in scene.ground])
    (west, south), (east, north) = points.min(0).tolist(), points.max(0).tolist()
    return west, south, east, north


def _covered(config: MapSourceConfig, path: Path, scene: SceneFacts) -> bool:
    """Whether one source for all scenes knows something of this one."""
    with importing():
        import shapely
    assert scene.crs is not None
    extent = map_features.extent(path, config.layer, scene.crs)
    return extent is not None and bool(extent.intersects(shapely.box(*bounds(scene))))


def _nowhere(config: MapSourceConfig, facts: Sequence[SceneFacts]) -> InputError:
    """What to say where nothing is drawn in any scene."""
    found = f"draws nothing in any of {len(facts)} scenes"
    if any(_swapped(config, scene) for scene in facts):
        found += "; with its coordinates swapped it would lie there"
        return InputError(
            config.source, found, "Write longitude (or easting) first, then latitude (or northing)"
        )
    remedy = "Give a map of their ground, with the tags that the legend draws; or leave data.map out"
    return InputError(config.source, found, remedy)


def _swapped(config: MapSourceConfig, scene: SceneFacts) -> bool:
    """Whether a source lies over a scene once its longitudes are taken for latitudes."""
    with importing():
        import shapely
    path = maps.source(config, scene.files.name)
    extent = None if path is None else map_features.extent(path, config.layer, "EPSG:4326")
    if extent is None or extent.is_empty or not scene.ground:
        return False
    own: Any = rasterio.warp.transform_bounds(CRS.from_user_input(scene.crs), DEGREES, *bounds(scene))
    west, south, east, north = extent.bounds
    return bool(shapely.box(south, west, north, east).intersects(shapely.box(*own)))


def _remarks(config: MapSourceConfig, found: Found) -> list[str]:
    said = []
    if found.none and found.drawn:
        why = "no file" if SCENE in config.source else "none of the ground that the features span"
        said.append(f"{len(found.none)} scenes have no map ({why}), such as '{found.none[0]}'")
    if found.empty and found.drawn:
        said.append(f"the map draws nothing in {len(found.empty)} scenes, such as '{found.empty[0]}'")
    if found.unknown:
        shown = ", ".join(f"{tag} ({count})" for tag, count in found.unknown.most_common(SHOWN))
        more = f" and {len(found.unknown) - SHOWN} more" if len(found.unknown) > SHOWN else ""
        said.append(
            f"{found.unknown.total()} features of the map have tags that {config.legend} does not draw: "
            f"{shown}{more}"
        )
    return said

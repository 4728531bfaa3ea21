"""A look at the shapes of all scenes before any job starts: each file once, however many scenes it serves."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform_bounds

from landloom.config.data import DataConfig, drawn
from landloom.errors import Findings, InputError
from landloom.raster import vectors
from landloom.raster.alignment import Misplaced
from landloom.raster.ground import Ground
from landloom.raster.label_layers import classes, spelt
from landloom.raster.survey import SceneFacts, each
from landloom.runtime.importing import importing

if TYPE_CHECKING:
    import geopandas

PART = 50_000
"""Shapes that are looked at together."""
NAMED = 3
"""Files, and twice as many values, that a message names."""
EDGE = 21
"""Points on each side of an image whose bounds are taken to another system."""


@dataclass
class Shapes:
    """What a file holds, in shapes.

    Attributes:
        path: the file.
        every: all of them.
        empty: without a geometry.
        flat: lines and points, which have no area.
        invalid: that were mended.
        outside: of every image that the file has labels for.
        values: of the attribute, None for none.
    """

    path: Path
    every: int = 0
    empty: int = 0
    flat: int = 0
    invalid: int = 0
    outside: int = 0
    values: Counter[str | None] = field(default_factory=Counter)


def look(facts: Sequence[SceneFacts], data: DataConfig, threads: int) -> Findings:
    """Look at all files of shapes that scenes name."""
    places: dict[Path, list[Ground]] = defaultdict(list)
    for fact in facts:
        for mask in filter(drawn, fact.files.masks):
            places[mask] += fact.ground
    problems: list[InputError] = []
    found = each(lambda path: _look(path, places[path], data), places, problems, threads)
    return Findings([*together(problems), *_problems(found, data)], _remarks(found))


def together(problems: Iterable[InputError]) -> list[InputError]:
    """Problems of which the same was found as one: all places are counted, and the first are named."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for p in problems:
        groups[p.found, p.remedy].append(p.where)
    return [InputError(named(where), *said) for said, where in groups.items()]


def misplaced(problems: Sequence[InputError]) -> list[InputError]:
    """The problems, with all labels that cannot be brought to their images together."""
    lost = [p for p in problems if isinstance(p, Misplaced)]
    return [*(p for p in problems if p not in lost), *together(lost)]


def named(files: Sequence[object]) -> str:
    """The first files by name, and how many more there are."""
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return ", ".join(map(str, files[:NAMED])) + more


def _look(path: Path, places: Sequence[Ground], data: DataConfig) -> Shapes:
    settings = data.vectors
    attribute = None if settings is None else settings.attribute
    found, crs, boxes = Shapes(path), None, np.empty((0, 4))
    for part in vectors.parts(path, None if settings is None else settings.layer, attribute, PART):
        if part.crs != crs:
            crs = part.crs
            boxes = _boxes(places, crs.to_wkt())
        _count(found, part, boxes)
        found.values.update([] if attribute is None else map(spelt, part[attribute]))
    return found


def _count(found: Shapes, part: "geopandas.GeoDataFrame", boxes: NDArray[np.float64]) -> None:
    """Add some shapes of a file; ``boxes`` (n, 4) are the bounds of its images in its system."""
    with importing():
        import shapely
    shapes = part.geometry.to_numpy()
    bounds = shapely.bounds(shapes)
    there = np.isfinite(bounds).all(1)
    valid = shapely.is_valid(shapes)
    flat = shapely.get_dimensions(shapes) < 2
    inside = np.zeros(len(shapes), np.bool_)
    for west, south, east, north in boxes:
        inside |= (bounds[:, :2] < (east, north)).all(1) & (bounds[:, 2:] > (west, south)).all(1)
    found.every += len(shapes)
    found.empty += int((~there).sum())
    found.flat += int((there & flat).sum())
    found.invalid += int((there & ~valid).sum())
    found.outside += int((there & ~inside).sum())


def _boxes(places: Sequence[Ground], crs: str) -> NDArray[np.float64]:
    """Bounds (n, 4) of places: west, south, east, north in a system."""
    found = [
        transform_bounds(p.crs, crs, *p.quad.min(0), *p.quad.max(0), densify_pts=EDGE)
        for p in places
        if p.crs is not None
    ]
    return np.array(found, np.float64).reshape(-1, 4)


def _problems(found: Sequence[Shapes], data: DataConfig) -> list[InputError]:
    """What cannot be drawn."""
    problems = []
    if flat := [f for f in found if f.flat]:
        said = f"{sum(f.flat for f in flat)} shapes are lines or points, which cover no pixel"
        problems.append(_of(flat, said, "Buffer them to their width on the ground (ST_Buffer, or QGIS)"))
    if found and not any(f.every for f in found):
        problems.append(_of(found, "holds no shape", "Give the layer that has them (data.vectors.layer)"))
    lost = [f for f in found if f.every > f.empty and f.outside == f.every - f.empty]
    if lost and len(lost) == len(found):
        said = f"all {sum(f.outside for f in lost)} shapes lie outside of every image"
        problems.append(_of(lost, said, "Give those of this ground, or correct the CRS of one of both"))
    return problems + _strange(found, data)


def _strange(found: Sequence[Shapes], data: DataConfig) -> list[InputError]:
    """Problem with values of the attribute that no class has."""
    if not data.by_attribute:
        return []
    known = classes(data)
    strange = [f for f in found if f.values.keys() - known]
    counts: Counter[str | None] = sum((f.values for f in strange), Counter())
    unknown = [(v, n) for v, n in counts.most_common() if v not in known]
    if not unknown:
        return []
    shown = ", ".join(f"'{v}' ({n} shapes)" for v, n in unknown[: 2 * NAMED])
    shown += f" and {len(unknown) - 2 * NAMED} more" if len(unknown) > 2 * NAMED else ""
    said = f"values of attribute '{data.vectors.attribute}' that no class has: {shown}"  # type: ignore[union-attr]
    return [_of(strange, said, "Add each to the values of a class under data.classes, or to data.ignore")]


def _remarks(found: Sequence[Shapes]) -> list[str]:
    kinds = (
        ("invalid", "are invalid (they cross themselves, say) and were mended"),
        ("empty", "have no geometry and are left out"),
        ("outside", "lie outside of every image and are left out"),
    )
    said = []
    for kind, what in kinds:
        if some := [f for f in found if getattr(f, kind)]:
            said.append(
                f"{sum(getattr(f, kind) for f in some)} shapes {what}: {named([f.path for f in some])}"
            )
    if some := [f for f in found if f.values[None]]:
        count = sum(f.values[None] for f in some)
        said.append(f"{count} shapes have no value of the attribute, and their pixels are ignored: "
                    f"{named([f.path for f in some])}")  # fmt: skip
    if some := [f for f in found if not f.every]:
        said.append(f"{len(some)} files hold no shape: {named([f.path for f in some])}")
    return said


def _of(files: Sequence[Shapes], found: str, remedy: str) -> InputError:
    return InputError(named([f.path for f in files]), found, remedy)

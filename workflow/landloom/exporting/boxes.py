"""Boxes of objects as an image shows them, and what is said of them all."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from landloom.data import quality, samples
from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.exporting import footprint
from landloom.exporting.collection import Collection
from landloom.exporting.footprint import Ring
from landloom.objects.scene_objects import SMALLEST
from landloom.objects.shapes import Quad, around, clockwise, rectangle


def shown(sample: Sample) -> list[Object] | None:
    """Objects of which an image shows something; None if nobody looked for any."""
    if sample.objects is None:
        return None
    shape = sample.mask_array().shape
    return [o for o in sample.objects if shapely.area(_seen(o.quad(), shape)) >= SMALLEST]


def part(quad: Quad, shape: Sequence[int]) -> tuple[NDArray[np.float64], float]:
    """Points (N, 2) around the part of a box in an image (rows, columns), and its area in pixels."""
    seen = _seen(quad, shape)
    return (quad if _inside(quad, shape) else shapely.get_coordinates(seen)), float(shapely.area(seen))


def cut(quad: Quad, shape: Sequence[int]) -> Quad:
    """A box with no corner outside of an image (rows, columns).

    Of one that reaches beyond, that which is most like its part in the image (by intersection over union):
    the smallest rectangle around the part, with corners that are outside moved to the edge, the level box
    around it, or four of its own corners. The overlap is at least 2 / pi where the part has four corners or
    more (Sas 1939), and 1 / 2 where it has three.
    """
    if _inside(quad, shape):
        return quad
    seen = shapely.convex_hull(_seen(quad, shape))
    points = shapely.get_coordinates(seen)[:-1]
    turned = np.clip(rectangle(points), 0, [shape[1], shape[0]])
    choices = np.array([turned, around(points), *combinations(points, 4)])
    outlines = shapely.polygons(choices)
    overlaps = shapely.area(outlines & seen) / shapely.area(outlines | seen)
    return clockwise(choices[int(np.argmax(overlaps))])


def outlines(crs: str | None, place: Sequence[float] | None, objects: Sequence[Object]) -> list[Ring] | None:
    """Corners (4, 2) of each object in degrees, counter-clockwise; None when their place is not known."""
    # The corner of the image tells whether there is a place where there are no objects.
    points = np.concatenate([np.zeros((1, 2)), *(o.quad() for o in objects)])
    found = footprint.degrees(crs, place, points)
    if found is None:
        return None
    rings = found[1:].reshape(-1, 4, 2)
    rings[..., 0] = np.unwrap(rings[..., 0], period=360, axis=1)
    return [clockwise(ring) for ring in rings]  # as pictures are seen, with y down: the reverse on maps


def facts(collection: Collection, curated: Sequence[Path], formats: Sequence[str]) -> dict[str, Any]:
    """Count samples and objects of curated shards; reads small columns only."""
    table = samples.columns(curated, ["objects", "crs", "transform", "quality"])
    columns = (table[name] for name in ("objects", "crs", "transform", "quality"))
    kept = [row[:3] for row in zip(*columns, strict=True) if quality.accepted(row[3])]
    looked = [row for row in kept if row[0] is not None]
    counts = Counter(o.category for objects, _, _ in looked for o in objects)
    names = [c.name for c in collection.statistics.objects or []]
    found: dict[str, Any] = {
        "samples": len(looked),
        "not_looked_at": len(kept) - len(looked),
        "objects": {name: counts[i] for i, name in enumerate(names)},
    }
    if "geojson-boxes" in formats:
        lost = [outlines(crs, place, objects) is None for objects, crs, place in looked]
        found["without_place"] = sum(lost)
    return found


def _inside(quad: Quad, shape: Sequence[int]) -> bool:
    return bool((quad >= 0).all() and (quad <= [shape[1], shape[0]]).all())


def _seen(quad: Quad, shape: Sequence[int]) -> shapely.Geometry:
    return shapely.intersection(shapely.polygons(quad), shapely.box(0, 0, shape[1], shape[0]))

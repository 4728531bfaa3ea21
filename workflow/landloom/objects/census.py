"""Objects of whole scenes, counted before any job starts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.objects import scene_objects
from landloom.objects.tiles import Layout
from landloom.raster.reader import SceneReader
from landloom.raster.survey import STRIP, Area, SceneFacts
from landloom.scenes.splits import SPLITS, UNLABELLED

Counts = dict[str, NDArray[np.int64]]
"""Numbers (K,) by split."""


@dataclass
class Census:
    """What was found in scenes.

    Attributes:
        objects: number of objects of each class (K,) by split; an object counts where its centre lies.
        pixels: number of pixels of each class of painted masks (K + 1,) by split.
        problems: what must be corrected.
        remarks: places of what may surprise, by kind.
    """

    objects: Counts = field(default_factory=dict)
    pixels: Counts = field(default_factory=dict)
    problems: list[InputError] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def of_scene(facts: SceneFacts, data: DataConfig) -> Census:
    """Count the objects in the labelled areas of a scene.

    Raises:
        InputError: the list cannot be read at all.
    """
    assert data.objects is not None
    areas = [(label, window) for label, window in facts.areas if label != UNLABELLED]
    if not areas:
        return Census()
    with SceneReader(facts.files, data) as reader:
        found = scene_objects.of_scene(reader, data.objects)
    layout = Layout(found.objects or [], data.objects.share)
    seen = found.objects is not None
    painted = _pixels(layout, areas, len(data.objects.names)) if data.painted and seen else {}
    return Census(_objects(layout, areas, len(data.objects.names)), painted, found.problems, found.remarks)


def _objects(layout: Layout, areas: Sequence[Area], classes: int) -> Counts:
    centres = layout.quads.mean(1)
    categories = np.array([o.category for o in layout.objects], np.int64)
    counts: Counts = {}
    for label, area in areas:
        start = np.array([area.col, area.row])
        inside = ((centres >= start) & (centres < start + np.array([area.width, area.height]))).all(1)
        own = np.bincount(categories[inside], minlength=classes)
        counts[label] = counts.get(label, 0) + own
    return counts


def _pixels(layout: Layout, areas: Sequence[Area], classes: int) -> Counts:
    painting, counts = layout.painting(), Counts()
    for label, a in areas:
        for row in range(a.row, a.row + a.height, STRIP):
            part = Slice(a.col, row, a.width, min(STRIP, a.row + a.height - row))
            own = np.bincount(painting.read(part)[0].ravel(), minlength=classes + 1)
            counts[label] = counts.get(label, 0) + own
    return counts


def joined(parts: Iterable[Census], classes: int) -> Census:
    """What was found in all scenes, with each split in it."""
    whole = Census(
        {s: np.zeros(classes, np.int64) for s in SPLITS}, {s: np.zeros(classes + 1, np.int64) for s in SPLITS}
    )
    for part in parts:
        for total, own in ((whole.objects, part.objects), (whole.pixels, part.pixels)):
            for label, number in own.items():
                total[label] += number
        whole.problems += part.problems
        for kind, places in part.remarks.items():
            whole.remarks[kind] += places
    whole.problems = scene_objects.merged(whole.problems)
    return whole


def said(census: Census) -> list[str]:
    """Remarks, each with their number and one place."""
    return [_line(kind, len(places), places[0]) for kind, places in sorted(census.remarks.items())]


def _line(kind: str, number: int, place: str) -> str:
    things = "scenes" if place.startswith("scene ") else "objects"
    return f"{number} {things} {kind}, such as {place}"


def absent(census: Census, names: Sequence[str]) -> list[InputError]:
    """Problems with classes that have no object in train."""
    totals = np.sum(list(census.objects.values()), 0)
    remedy = "Put it into data.objects.ignore, correct its name, or change data.split (its seed, say)"
    return [
        InputError(
            f"data.objects.classes '{name}'",
            "train has no object of it, others do" if totals[i] else "no object is of this class",
            remedy,
        )
        for i, name in enumerate(names)
        if not census.objects["train"][i]
    ]

"""Layouts as samples: what ``label_sample`` writes of its source 'layout'."""

import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from landloom.config.label_sample import LayoutConfig
from landloom.config.objects import BACKGROUND
from landloom.data.objects import Object
from landloom.data.samples import Requested, Sample, class_ratios
from landloom.data.statistics import Statistics
from landloom.detection.layouts import Layouts
from landloom.errors import InputError
from landloom.objects.tiles import Layout
from landloom.planning.metadata import Wishes
from landloom.raster import codec


def layouts(config: LayoutConfig, dataset: Statistics, train: Iterable[Sample]) -> Layouts:
    """What draws layouts for a dataset.

    Raises:
        InputError: no train tile holds an object, or none of a class that is to be boosted, or masks are not
            painted from objects, so that none can be made of a layout.
    """
    names = [c.name for c in dataset.objects or []]
    where = "label_sample.layout.boost"
    if wrong := sorted(set(config.boost) - set(names)):
        known = ", ".join(names) or "none; the data have no objects"
        raise InputError(where, f"no object class is called {', '.join(wrong)}", f"Use {known}")
    # Only their objects are held: pixels of a large dataset would not fit.
    rows = [Sample(id=s.id, objects=s.objects, meta=s.meta) for s in train if s.objects]
    if not rows:
        remedy = "Give data.objects, or choose another source"
        raise InputError("label_sample.source", "'layout', but no train tile holds an object", remedy)
    if dataset.names != [BACKGROUND, *names]:
        found = "'layout', but masks show other classes than objects, and nobody knows where these would be"
        raise InputError("label_sample.source", found, "Leave out data.masks and data.classes")
    made = Layouts(rows, dataset.size, {names.index(n): f for n, f in config.boost.items()}, config.overlap)
    if absent := [n for n in config.boost if names.index(n) not in made.shapes]:
        raise InputError(where, f"no train tile holds {', '.join(absent)}", "Boost classes that exist")
    return made


def placed(
    draw: Layouts, rows: Sequence[Mapping[Hashable, Any]], generator: str, dataset: Statistics, wishes: Wishes
) -> Iterator[Sample]:
    """Yield a sample with objects, and the mask painted from them, for each row of the plan.

    Its class mix is left open. In the end it says how many objects found no place.
    """
    for row in rows:
        objects, tile = draw.draw(int(row["seed"]))
        mask = painted(objects, dataset.size)
        yield Sample(
            id=f"{generator}_{row['id']}", mask=codec.encode(mask), scene=generator, source=generator,
            caption=row["caption"], seed=row["seed"], parents=[tile.id], request=Requested(row["mix"]),
            ratios=class_ratios(mask, len(dataset.classes)), target_ratios=[np.nan] * len(dataset.classes),
            meta=wishes.drawn(row, tile.meta), objects=objects,
        )  # fmt: skip
    if draw.lacking:
        said = f"{draw.lacking} of {draw.asked} objects found no place"
        print(f"warning: label_sample.layout: {said}; lower boost, or raise overlap", file=sys.stderr)


def painted(objects: Sequence[Object], size: int) -> NDArray[np.uint8]:
    """The mask (size, size) of some objects, as tiles of real scenes have it."""
    return Layout(objects, 1.0).painting().read(Window(0, 0, size, size))[0]

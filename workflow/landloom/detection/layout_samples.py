"""Layouts as samples: what ``label_sample`` writes of its source 'layout'."""

import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from landloom.config.label_sample import LayoutConfig
from landloom.data.samples import Requested, Sample
from landloom.data.statistics import Statistics
from landloom.detection.layouts import Layouts
from landloom.errors import InputError
from landloom.planning.metadata import Wishes


def layouts(config: LayoutConfig, dataset: Statistics, train: Iterable[Sample]) -> Layouts:
    """What draws layouts for a dataset.

    Raises:
        InputError: no train tile holds an object, or none of a class that is to be boosted.
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
    made = Layouts(rows, dataset.size, {names.index(n): f for n, f in config.boost.items()}, config.overlap)
    if absent := [n for n in config.boost if names.index(n) not in made.shapes]:
        raise InputError(where, f"no train tile holds {', '.join(absent)}", "Boost classes that exist")
    return made


def placed(
    draw: Layouts, rows: Sequence[Mapping[Hashable, Any]], generator: str, dataset: Statistics, wishes: Wishes
) -> Iterator[Sample]:
    """Yield a sample with objects for each row of the plan; say in the end how many found no place."""
    for row in rows:
        objects, tile = draw.draw(int(row["seed"]))
        yield Sample(
            id=f"{generator}_{row['id']}", scene=generator, source=generator, caption=row["caption"],
            seed=row["seed"], parents=[tile.id], request=Requested(row["mix"]),
            meta=wishes.drawn(row, tile.meta), objects=objects,
        )  # fmt: skip
    if draw.lacking:
        said = f"{draw.lacking} of {draw.asked} objects found no place"
        print(f"warning: label_sample.layout: {said}; lower boost, or raise overlap", file=sys.stderr)

"""Which scenes are neighbours, and which of them are held out.

A split must not cut between neighbours: a network would be asked about ground that it has nearly seen.
"""

import bisect
import glob
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from landloom.raster.ground import Ground, meet
from landloom.starting.pairing import alike_until, left, words

VAL, TEST = 0.15, 0.2
FEWEST = 3
"""Groups that three splits need."""
NEAR = 1.1
"""How much places grow before they are asked whether they meet: those side by side do."""
STARTS = 60
"""Most places at which the groups for the test begin, of which the best is taken."""
SETS = ({"train", "training"}, {"val", "valid", "validation"}, {"test", "testing"})


@dataclass(frozen=True)
class Item:
    """One scene.

    Attributes:
        name: as the config names it.
        folders: of the image, from the root.
        stem: of the image.
        ground: where it lies.
        area: in pixels.
        pixels: of each mask value.
    """

    name: str
    folders: tuple[str, ...]
    stem: str
    ground: Ground | None
    area: int
    pixels: Counter[int]


Groups = list[list[Item]]


@dataclass(frozen=True)
class Division:
    """What is held out.

    Attributes:
        val: scenes for validation.
        test: scenes for the test.
        said: how they were chosen.
    """

    val: list[Item]
    test: list[Item]
    said: str


def divide(items: Sequence[Item]) -> Division | None:
    """Hold out whole groups of neighbours so that train keeps every class; None if that cannot be."""
    if given := _given(items):
        return given
    for find, said in METHODS:
        groups = find(items)
        if not _usable(groups, items):
            continue
        if (best := choose(groups)) is not None:
            return Division(*best, f"{said}: {len(groups)} groups")
    return None


def _usable(groups: Groups, items: Sequence[Item]) -> bool:
    """Whether there are enough groups, and none that leaves too little for the others."""
    largest = max((sum(i.area for i in g) for g in groups), default=0)
    return len(groups) >= FEWEST and largest <= 0.7 * sum(i.area for i in items)


def choose(groups: Groups) -> tuple[list[Item], list[Item]] | None:
    """Groups in a row for val and for test, with the best shares and classes; None if train lacks a class."""
    everything = set().union(*(i.pixels for g in groups for i in g))
    total = sum(i.area for g in groups for i in g)
    best: tuple[tuple[float, ...], list[Item], list[Item]] | None = None
    for start in range(0, len(groups), max(1, len(groups) // STARTS)):
        order = groups[start:] + groups[:start]
        test = _taken(order, TEST * total, len(order) - 2)
        val = _taken(order[len(test) :], VAL * total, len(order) - len(test) - 1)
        sides = [_flat(val), _flat(test), _flat(order[len(val) + len(test) :])]
        lack = [len(everything - set().union(*(i.pixels for i in s))) for s in sides]
        shares = [sum(i.area for i in s) / total for s in sides]
        score = (lack[2], lack[1] + lack[0], abs(shares[0] - VAL) + abs(shares[1] - TEST))
        if best is None or score < best[0]:
            best = score, sides[0], sides[1]
    return None if best is None or best[0][0] else best[1:]


def _taken(order: Groups, wanted: float, most: int) -> Groups:
    """Groups from the first on, until their area is nearest to what is wanted: one to ``most`` of them."""
    found, area = order[:1], sum(i.area for i in order[0])
    for group in order[1:most]:
        more = area + sum(i.area for i in group)
        if abs(more - wanted) >= abs(area - wanted):
            break
        found, area = [*found, group], more
    return found


def _flat(groups: Groups) -> list[Item]:
    return [i for g in groups for i in g]


def _given(items: Sequence[Item]) -> Division | None:
    """The division that folders called train, val and test make."""
    sides: list[list[Item]] = [[], [], []]
    for item in items:
        told = [k for k, names in enumerate(SETS) if any(names & set(words(f)) for f in item.folders)]
        if len(told) != 1:
            return None
        sides[told[0]].append(item)
    return Division(sides[1], sides[2], "the folders train, val and test") if all(sides) else None


def by_folder(items: Sequence[Item]) -> Groups:
    """Scenes of one folder, but for folders of single scenes."""
    groups = _by(items, lambda i: tuple(" ".join(left(f)) for f in i.folders))
    return groups if 2 * len(groups) <= len(items) else []


def by_name(items: Sequence[Item]) -> Groups:
    """Scenes whose names begin alike, up to the first word that tells some of them apart."""
    split = [left(i.stem) for i in items]
    for at in range(min(map(len, split)) - 1):
        groups = _by(items, lambda i, at=at: tuple(left(i.stem)[: at + 1]))  # type: ignore[misc]
        if FEWEST <= len(groups) <= len(items) / 2:
            return groups
        if len(groups) > 1:
            return []
    return []


def by_touch(items: Sequence[Item]) -> Groups:
    """Scenes that touch each other on the ground."""
    return _touching(items, NEAR)


def by_overlap(items: Sequence[Item]) -> Groups:
    """Scenes of a mosaic, from west to east; those that overlap are one."""
    return _touching(items, 1.0)


def by_order(items: Sequence[Item]) -> Groups:
    """Each scene by itself, in the order of their numbers: neighbours are mostly held out together."""
    return [[i] for i in items] if all(i.ground is None for i in items) else []


METHODS: tuple[tuple[Callable[[Sequence[Item]], Groups], str], ...] = (
    (by_touch, "scenes that touch on the ground stay together"),
    (by_folder, "scenes of one folder stay together"),
    (by_name, "scenes whose names begin alike stay together"),
    (by_overlap, "strips of a mosaic from west to east stay together, and scenes that overlap"),
    (by_order, "ranges of numbers stay together, since neighbours often have neighbouring numbers"),
)
"""Ways to find neighbours, the surest first."""


def _by(items: Sequence[Item], key: Callable[[Item], tuple[str, ...]]) -> Groups:
    found: dict[tuple[str, ...], list[Item]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return list(found.values())


def _corner(item: Item) -> tuple[float, float]:
    """West and south of a scene."""
    assert item.ground is not None
    west, south = item.ground.quad.min(0).tolist()
    return west, south


def _touching(items: Sequence[Item], scale: float) -> Groups:
    """Scenes that meet when each grows by a factor; from west to east, so that few are compared."""
    places = [_grown(i.ground, scale) for i in items if i.ground is not None]
    if len(places) < len(items):
        return []
    boxes = [(p.quad.min(0), p.quad.max(0)) for p in places]
    root, near = list(range(len(places))), list[int]()
    for i in sorted(root, key=lambda i: float(boxes[i][0][0])):
        near = [j for j in near if boxes[j][1][0] >= boxes[i][0][0]]
        for j in near:
            low, high = np.maximum(boxes[i][0], boxes[j][0]), np.minimum(boxes[i][1], boxes[j][1])
            if (low <= high).all() and places[i].crs == places[j].crs and meet(places[i], places[j]):
                root[_top(root, i)] = _top(root, j)
        near.append(i)
    found: dict[int, list[Item]] = defaultdict(list)
    for i, item in enumerate(items):
        found[_top(root, i)].append(item)
    return sorted(found.values(), key=lambda g: min(map(_corner, g)))


def _top(root: Sequence[int], i: int) -> int:
    while root[i] != i:
        i = root[i]
    return i


def _grown(ground: Ground, scale: float) -> Ground:
    middle = ground.quad.mean(0)
    return ground._replace(quad=np.asarray(middle + scale * (ground.quad - middle)))


def patterns(chosen: Sequence[str], every: Sequence[str]) -> list[str]:
    """The shortest name patterns, such as '5_*', that match some names and no others."""
    wanted, found = set(chosen), []
    others = sorted(set(every) - wanted)
    for name in sorted(chosen):
        if name not in wanted:
            continue
        at = bisect.bisect(others, name)  # what begins most like a name stands beside it
        known = max((alike_until(name, o) for o in others[max(0, at - 1) : at + 1]), default=0)
        alike = {n for n in wanted if n.startswith(name[: known + 1])} if known < len(name) else {name}
        begin = _words(sorted(alike), known + 1)
        found.append(f"{glob.escape(begin)}*" if len(alike) > 1 else name)
        wanted -= alike
    return found


def _words(names: Sequence[str], least: int) -> str:
    """What names have in common, up to the end of a word if that leaves ``least`` signs."""
    common = alike_until(*names)
    ends = [m.end() for m in re.finditer(r"[^\W_]+|[\W_]", names[0]) if least <= m.end() <= common]
    inside = common < len(names[0]) and names[0][common - 1 : common + 1].isalnum()
    whole = [e for e in ends if e < common or not inside]
    return names[0][: max(whole, default=least)]

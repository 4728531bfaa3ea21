"""A mask for each class: files such as ``a_road.png`` or ``road/a.png`` beside an image ``a.tif``."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster import first_look
from landloom.raster.first_look import Header
from landloom.raster.survey import each
from landloom.scenes.discovery import discover
from landloom.starting import pairing, patterns
from landloom.starting.legend import Legend, colored, free
from landloom.starting.pairing import left
from landloom.starting.sources import Sources, quoted

REST = "background"


@dataclass(frozen=True)
class ClassFiles:
    """Images with a mask for each class.

    Attributes:
        root: the folder.
        images: relative to it.
        masks: of each class by its name, in the order of the images.
    """

    root: Path
    images: list[Path]
    masks: dict[str, list[Path]]


def find(root: Path, looks_like_mask: Callable[[Path], bool]) -> ClassFiles | None:
    """What a folder holds of this kind; None where images have different classes, or fewer than two.

    Args:
        root: the folder.
        looks_like_mask: asked about files whose names say nothing.
    """
    images, masks = pairing.roles(root, pairing.rasters(root), looks_like_mask)
    keys = {tuple(left(i.stem)): i for i in images}
    found: dict[Path, dict[str, Path]] = defaultdict(dict)
    for mask in masks:
        key, name = _split(mask, keys)
        if key is None or not name or name in found[keys[key]]:
            return None
        found[keys[key]][name] = mask
    names = {tuple(sorted(f)) for f in found.values()}
    if len(keys) < len(images) or len(names) != 1 or len(min(names)) < 2:
        return None
    some = sorted(found, key=pairing.natural)
    return ClassFiles(root, some, {n: [found[i][n] for i in some] for n in min(names)})


def _split(mask: Path, keys: dict[tuple[str, ...], Path]) -> tuple[tuple[str, ...] | None, str]:
    """The key of a mask's image, and the name of its class: what else its stem says, or its folder."""
    words = left(mask.stem)
    for cut in range(len(words), 0, -1):
        for key, rest in ((words[:cut], words[cut:]), (words[-cut:], words[:-cut])):
            if tuple(key) in keys:
                return tuple(key), free("_".join(rest or left(mask.parent.name)))
    return None, ""


def source(found: ClassFiles) -> tuple[Sources, dict[str, Any]]:
    """How the config names the files: keys of ``data``.

    Raises:
        InputError: no patterns give them.
    """
    given = {n: patterns.find(list(zip(found.images, m, strict=True))) for n, m in found.masks.items()}
    pairs = {n: p for n, p in given.items() if p is not None}
    if len(pairs) == len(given) and len({i for i, _ in pairs.values()}) == 1:
        images = str(found.root / min(i for i, _ in pairs.values()))
        labels: dict[str, Any] = {"masks": {n: str(found.root / m) for n, (_, m) in pairs.items()}}
        labels |= {"rest": REST} if REST not in pairs else {}
        classes = [{"name": n, "color": "#000000"} for n in {REST, *pairs}]
        scenes = discover(DataConfig.model_validate({"images": images, "classes": classes} | labels))
        by = {s.images[0]: s.name for s in scenes}
        if set(by) == {found.root / i for i in found.images}:
            shown = [by[found.root / i] for i in found.images]
            return Sources([f"images: {quoted(images)}"], shown, images=images), labels
    what = "images have a mask for each class, but names that no pattern of the config gives"
    remedy = "Name them alike, such as a.tif with a_road.png and a_building.png"
    raise InputError(found.root, what, remedy)


def look(found: ClassFiles, images: Sequence[Header]) -> tuple[Legend, list[Counter[int]]]:
    """Classes, and pixels of each in each image by its place in the legend.

    Raises:
        InputError: a mask cannot be read.
    """
    problems: list[InputError] = []
    counts: list[Counter[int]] = [Counter() for _ in images]
    for index, files in enumerate(found.masks.values()):
        values = each(first_look.values, [found.root / f for f in files], problems, 1)
        if problems:
            raise problems[0]
        for count, value in zip(counts, values, strict=True):
            if some := value.pixels.total() - value.pixels[0]:
                count[index] = some
    total = sum(counts, Counter[int]())
    names = list(found.masks)
    pixels: dict[int | str, int] = {n: total[i] for i, n in enumerate(names)}
    rest = REST if REST not in names else None
    if rest:
        pixels[rest] = max(0, sum(h.height * h.width for h in images) - total.total())
    said = [
        f"each image has a mask for each of {len(names)} classes: {', '.join(names)}",
        "what is not 0 in a mask is its class; where classes overlap, the later one in the list counts",
    ]
    said += [f"what no mask takes is '{rest}'"] if rest else []
    legend = Legend({n: n for n in names}, colored(names), [], 0.0, pixels, said, rest=rest, plain=True)
    return legend, counts

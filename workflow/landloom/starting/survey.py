"""Everything that a folder of images and masks says about itself."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from landloom.config.data import drawn
from landloom.errors import InputError, InputErrors
from landloom.raster import first_look
from landloom.raster.first_look import Header, Values
from landloom.raster.grid import SHIFT
from landloom.raster.survey import each
from landloom.starting import class_files, legend, pairing, shapes, sources
from landloom.starting.class_files import ClassFiles
from landloom.starting.grouping import Item
from landloom.starting.legend import Legend
from landloom.starting.pairing import Pairs
from landloom.starting.sources import Sources

Found = TypeVar("Found")

PIXELS = 200_000_000
"""Mask pixels that are counted, in whole masks spread over all of them."""
GLANCES = 8
"""Images whose alpha band is looked at."""


@dataclass
class Findings:
    """What is known of a folder.

    Attributes:
        pairs: its images and masks.
        source: how the config names them.
        images: headers of the images.
        items: the scenes, for their split.
        legend: classes of the masks.
        bands: what ``data.bands`` must say; None if it need not.
        labels: further keys of ``data`` that say what the labels are.
        said: what was assumed, a line each.
    """

    pairs: Pairs
    source: Sources
    images: list[Header]
    items: list[Item]
    legend: Legend
    bands: list[int] | None
    said: list[str]
    labels: dict[str, Any]


def look(root: Path, table: Path) -> Findings:
    """Look at a folder; ``table`` is where a table of its files would lie.

    Raises:
        InputErrors: what a config cannot be made for.
    """
    try:
        pairs = pairing.pair(root, first_look.masklike)
    except InputError:
        if (own := class_files.find(root, first_look.masklike)) is not None:
            return _own(own)
        if (shaped := shapes.pair(root)) is None:
            raise
        pairs = shaped
    said = _paired(pairs)
    images = _all(first_look.header, [root / i for i, _ in pairs.files])
    of_shapes = drawn(pairs.files[0][1])
    found, counts, labels = shapes.look(pairs, images) if of_shapes else _masks(pairs, images, said)
    if not of_shapes and (unused := shapes.files(root)):
        said.append(f"{len(unused)} vector files are not used, such as {unused[0]}: there are masks")
    return _findings(pairs, sources.find(pairs, table), images, (found, counts), labels, said)


def _own(found: ClassFiles) -> Findings:
    """What is known of a folder with a mask for each class."""
    images = _all(first_look.header, [found.root / i for i in found.images])
    source, labels = class_files.source(found)
    masks = next(iter(found.masks.values()))
    pairs = Pairs(found.root, list(zip(found.images, masks, strict=True)), 0, 0)
    said = [f"{len(images)} images with masks, such as {found.images[0]} and {masks[0]}"]
    return _findings(pairs, source, images, class_files.look(found, images), labels, said)


def _findings(
    pairs: Pairs,
    source: Sources,
    images: list[Header],
    classes: tuple[Legend, list[Counter[int]]],
    labels: dict[str, Any],
    said: list[str],
) -> Findings:
    """All of it; ``classes`` are the legend and the pixels of each image by value."""
    found, counts = classes
    said += found.said
    items = [
        Item(name, i.parent.parts, i.stem, h.ground, h.height * h.width, counts[n])
        for n, (name, (i, _), h) in enumerate(zip(source.names, pairs.files, images, strict=True))
    ]
    return Findings(pairs, source, images, items, found, bands(images, said), said, labels)


def _masks(
    pairs: Pairs, images: Sequence[Header], said: list[str]
) -> tuple[Legend, list[Counter[int]], dict[str, Any]]:
    """Classes of masks, pixels by value of each that was counted, and further keys of ``data``."""
    masks = _all(first_look.header, [pairs.root / m for _, m in pairs.files])
    chosen = spread([h.height * h.width for h in masks])
    values = _all(first_look.values, [masks[i].path for i in chosen])
    kind, counts = legend.together(values, [masks[i] for i in chosen])
    found = legend.propose(kind, sum(counts, Counter()), masks, pairs.root)
    said.append(_counted(len(chosen), len(masks), kind, values))
    by = dict(zip(chosen, counts, strict=True))
    off = [m.path for m, i in zip(masks, images, strict=True) if elsewhere(m, i)]
    if off:
        shown = f"{len(off)} masks lie on another grid than their image, such as {off[0].name}"
        said.append(f"{shown}: each pixel takes the nearest value of its mask")
    kept = [_kept(by.get(n, Counter()), found) for n in range(len(masks))]
    return found, kept, {"align": "nearest"} if off else {}


def elsewhere(mask: Header, image: Header) -> bool:
    """Whether a mask lies on another grid than its image, and both say where."""
    if mask.ground is None or image.ground is None or mask.crs is None or image.crs is None:
        return False
    same = (mask.height, mask.width, mask.crs) == (image.height, image.width, image.crs)
    apart = np.abs(mask.ground.quad - image.ground.quad).max() if same else 0.0
    return not same or bool(apart > SHIFT * image.ground.pixel)


def _all(job: Callable[[Path], Found], paths: Sequence[Path]) -> list[Found]:
    """What a job finds in each file; all that cannot be read are named together."""
    problems: list[InputError] = []
    found = each(job, paths, problems, min(8, os.cpu_count() or 1))
    if problems:
        raise InputErrors(problems)
    return found


def spread(pixels: Sequence[int]) -> list[int]:
    """Which masks are counted: all, or some that are spread evenly."""
    share = PIXELS / max(1, sum(pixels))
    if share >= 1:
        return list(range(len(pixels)))
    keep = max(1, int(len(pixels) * share))
    return sorted(set(np.linspace(0, len(pixels) - 1, keep).astype(int).tolist()))


def _kept(pixels: Counter[int], found: Legend) -> Counter[int]:
    """Pixels of classes alone; noise of compression is none of them."""
    codes = {int(v[1:], 16) if isinstance(v, str) else v for v in found.names}
    return Counter({v: n for v, n in pixels.items() if v in codes})


def _paired(pairs: Pairs) -> list[str]:
    image, mask = pairs.files[0]
    said = [f"{len(pairs.files)} pairs of image and mask, such as {image} and {mask}"]
    for count, what in (
        (pairs.lonely_images, "images without a mask"),
        (pairs.lonely_masks, "masks without an image"),
    ):
        said += [f"{count} {what} are not used"] if count else []
    return said


def _counted(some: int, every: int, kind: str, values: Sequence[Values]) -> str:
    how = {"integers": "integers", "palette": "integers with a palette", "colours": "colours"}[kind]
    if len({v.kind for v in values}) > 1:
        how += " (some masks have a palette)"
    masks = f"all {every} masks" if some == every else f"{some} of {every} masks"
    return f"masks hold {how}; values were counted in {masks}"


def bands(images: Sequence[Header], said: list[str]) -> list[int] | None:
    """Bands that the config must list; what is read is said."""
    kinds = Counter((h.dtypes, h.colors) for h in images)
    dtypes, colors = kinds.most_common(1)[0][0]
    said.append(f"images have {len(dtypes)} bands of {dtypes[0]} ({', '.join(colors)})")
    if len(kinds) > 1:
        return _common(images, said)
    if "alpha" not in colors:
        return None
    some = images[:: max(1, len(images) // GLANCES)]
    number = colors.index("alpha") + 1
    if any(first_look.varies(h.path, number) for h in some):
        said.append(f"band {number} is tagged alpha but holds more than two values: it is read as data")
        return list(range(1, len(dtypes) + 1))
    said.append(f"band {number} is alpha: it marks missing pixels and is not read")
    return None


def _common(images: Sequence[Header], said: list[str]) -> list[int] | None:
    """The first bands, where images have different numbers of them besides alpha."""
    counts = [sum(c != "alpha" for c in h.colors) for h in images]
    if len(set(counts)) == 1:
        return None
    said.append(f"images have from {min(counts)} to {max(counts)} bands: the first {min(counts)} are read")
    return list(range(1, min(counts) + 1))

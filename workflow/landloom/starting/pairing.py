"""Which image goes with which mask, by their names.

A *role word* says what a file is: 'images', 'mask', 'gt'. What is left of a path without them is its key; an
image and a mask with the same key belong together.
"""

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from landloom.errors import InputError

SUFFIXES = {".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".bmp", ".gif", ".img"}
MASK = {
    "mask", "masks", "msk", "label", "labels", "lbl", "lab", "gt", "gts", "groundtruth", "truth",
    "annotation", "annotations", "anno", "ann", "anns", "annot", "seg", "segmentation", "target", "targets",
}  # fmt: skip
IMAGE = {
    "image", "images", "img", "imgs", "rgb", "ortho", "sat", "photo", "photos", "picture",
    "pictures", "input", "inputs", "raw",
}  # fmt: skip

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Pairs:
    """What was found in a folder.

    Attributes:
        root: the folder.
        files: image and mask of each pair, relative to ``root``, sorted as people sort numbers.
        lonely_images: without a mask.
        lonely_masks: without an image.
    """

    root: Path
    files: list[tuple[Path, Path]]
    lonely_images: int
    lonely_masks: int


def rasters(root: Path) -> list[Path]:
    """All rasters of a folder and those inside it, relative to it.

    Raises:
        InputError: there is no such folder, or nothing in it.
    """
    if not root.is_dir():
        raise InputError(root, "is no folder", "Give the folder that holds your images and masks")
    if not (found := files(root, SUFFIXES)):
        known = ", ".join(sorted(SUFFIXES))
        raise InputError(root, "holds no rasters", f"Put images and masks there, such as files in {known}")
    return found


def files(root: Path, suffixes: Collection[str]) -> list[Path]:
    """All files with some suffixes of a folder and those inside it, relative to it, as people sort them."""
    found = []
    seen: set[str] = set()  # links are followed, but not in circles
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = [i for i in sorted(inner) if not i.startswith(".")]
        if (place := os.path.realpath(folder)) in seen:
            inner.clear()
            continue
        seen.add(place)
        own = (Path(folder, n).relative_to(root) for n in names if not n.startswith("."))
        found += [p for p in own if p.suffix.lower() in suffixes]
    return sorted(found, key=natural)


def natural(path: Path) -> list[tuple[int, int | str]]:
    """A path as people sort it: 9 before 10."""
    return [(0, int(t)) if t.isdigit() else (1, t) for t in re.findall(r"\d+|\D+", path.as_posix().lower())]


def words(name: str) -> list[str]:
    """Words and numbers of a name, in small letters."""
    joined = re.sub(r"ground[\W_]?truth", "groundtruth", name.lower())
    return re.findall(r"\d+|[^\W\d_]+", joined)


def role(path: Path) -> str:
    """'mask', 'image' or '': the stem says it, or the nearest folder that does."""
    if MASK & set(words(path.stem)):
        return "mask"
    for folder in reversed(path.parent.parts):
        if found := [w for w in words(folder) if w in MASK | IMAGE]:
            return "mask" if MASK & set(found) else "image"
    return "image" if IMAGE & set(words(path.stem)) else ""


def left(name: str) -> list[str]:
    """Words of a name that say no role."""
    return [w for w in words(name) if w not in MASK | IMAGE]


def alike_until(*sequences: Sequence[object]) -> int:
    """How many first elements are the same in all sequences."""
    columns = zip(*sequences, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda c: len(set(c)) == 1, columns))


LEVELS: tuple[Callable[[Path], Key], ...] = (
    lambda p: (*(w for part in p.parent.parts for w in left(part)), "/", *left(p.stem)),
    lambda p: tuple(left(p.stem)),
    lambda p: tuple(int(w) for part in (*p.parent.parts, p.stem) for w in words(part) if w.isdigit()),
    lambda p: tuple(int(w) for w in words(p.stem) if w.isdigit()),
)
"""Keys, the strictest first: whole paths, stems, numbers of paths, numbers of stems."""


def pair(root: Path, looks_like_mask: Callable[[Path], bool]) -> Pairs:
    """Pair the images and masks of a folder.

    Args:
        root: the folder.
        looks_like_mask: asked about files whose names say nothing.

    Raises:
        InputError: nothing can be paired, or two files claim the same one.
    """
    return matched(root, *roles(root, rasters(root), looks_like_mask))


def matched(root: Path, images: Sequence[Path], masks: Sequence[Path]) -> Pairs:
    """Pairs among images and masks.

    Raises:
        InputError: nothing can be paired, or two files claim the same one.
    """
    best, most = None, 0
    for level in LEVELS:
        groups = _grouped(images, masks, level)
        good = sum(len(i) == len(m) == 1 for i, m in groups.values())
        if good > most or (best is None and any(i and m for i, m in groups.values())):
            best, most = groups, good
    if best is None:
        raise _none(root, images, masks)
    for mine, others in best.values():
        _single(root, mine, others)
    files = [(i[0], m[0]) for i, m in best.values() if i and m]
    return Pairs(
        root, sorted(files, key=lambda f: natural(f[0])), len(images) - len(files), len(masks) - len(files)
    )


def roles(
    root: Path, files: Sequence[Path], looks_like_mask: Callable[[Path], bool]
) -> tuple[list[Path], list[Path]]:
    """Images and masks among files."""
    by = defaultdict(list)
    for file in files:
        by[role(file)].append(file)
    if by["mask"]:
        return by["image"] or by[""], by["mask"]
    # No name says mask: one file of each kind is looked at, first of those that are not called images.
    unknown = by[""] or by["image"]
    kinds: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for file in unknown:
        stem = [w for w in words(file.stem) if not w.isdigit()]
        kinds[(*(w for p in file.parent.parts for w in words(p)), "/", *stem, file.suffix.lower())].append(
            file
        )
    if len(kinds) > len(unknown) / 2:  # words differ from file to file
        kinds = {(s,): [f for f in unknown if f.suffix == s] for s in {f.suffix for f in unknown}}
    masks = {f for group in kinds.values() if looks_like_mask(root / group[0]) for f in group}
    return [f for f in files if f not in masks], [f for f in files if f in masks]


def _grouped(
    images: Iterable[Path], masks: Iterable[Path], level: Callable[[Path], Key]
) -> dict[Key, tuple[list[Path], list[Path]]]:
    groups: dict[Key, tuple[list[Path], list[Path]]] = defaultdict(lambda: ([], []))
    for side, files in enumerate((images, masks)):
        for file in files:
            if key := level(file):
                groups[key][side].append(file)
    return groups


def _single(root: Path, images: list[Path], masks: list[Path]) -> None:
    """Raise InputError for files that cannot be told apart."""
    if not (images and masks):
        return
    for one, other, several in (("image", "mask", images), ("mask", "image", masks)):
        if len(several) > 1:
            found = f"{len(several)} {one}s for one {other}: {several[0]} and {several[1]}"
            remedy = f"Leave one {one} for each {other}, or give a folder in which there is only one"
            raise InputError(root, found, remedy)


def _none(root: Path, images: Sequence[Path], masks: Sequence[Path]) -> InputError:
    found = f"no image goes with a mask: {len(images)} images"
    found += f" such as {images[0]}" if images else ""
    found += f", {len(masks)} masks" + (f" such as {masks[0]}" if masks else "")
    remedy = "Put them into images/ and masks/ with equal names, call masks like the image and _mask, or add "
    remedy += "polygons (.gpkg, .geojson, .shp, .fgb)"
    return InputError(root, found, remedy)

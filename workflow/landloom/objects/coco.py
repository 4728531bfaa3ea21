"""COCO: one JSON for all images (https://cocodataset.org/#format-data)."""

import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.config.objects import ObjectsConfig
from landloom.errors import InputError
from landloom.objects.marks import Mark, Marks, View
from landloom.objects.shapes import Quad, around, box, rectangle

Entry = dict[str, Any]
MOST = 10**9
"""Pixels that run lengths may span: they are unpacked to a byte each."""


class Listing:
    """A file, taken apart: categories by id, images by the stem of their names, annotations by image.

    Raises:
        InputError: the file is no COCO JSON.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            found = json.loads(path.read_bytes())
            self.categories = {c["id"]: str(c["name"]) for c in found["categories"]}
            self.images: dict[str, list[Entry]] = {}
            for image in found["images"]:
                self.images.setdefault(PurePosixPath(image["file_name"]).stem, []).append(image)
            self.annotations: dict[Any, list[tuple[int, Entry]]] = {}
            for i, annotation in enumerate(found["annotations"]):
                self.annotations.setdefault(annotation["image_id"], []).append((i, annotation))
            known = {image["id"] for images in self.images.values() for image in images}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            text = f"is not COCO with images, annotations and categories ({error!r})"
            raise InputError(path, text, "Export it again") from None
        if strange := sorted(map(repr, self.annotations.keys() - known)):
            count = sum(len(self.annotations[i]) for i in self.annotations.keys() - known)
            text = f"{count} annotations are of images that are not listed, such as image_id {strange[0]}"
            raise InputError(path, text, "Export images and annotations together; ids may be shifted by one")

    def image(self, view: View) -> Entry | None:
        """The entry of a scene, by name; None if there is none.

        Raises:
            InputError: several entries may be meant, or the image has another size than the entry says.
        """
        found = self.images.get(view.image.stem, [])
        exact = [i for i in found if str(view.image.as_posix()).endswith(str(i["file_name"]).lstrip("./"))]
        chosen = exact or found
        if len(chosen) > 1:
            text = f"{len(chosen)} images are called '{view.image.stem}', as that of scene '{view.name}' is"
            raise InputError(self.path, text, "Let file_name begin with the folder that tells them apart")
        if chosen:
            self._require_size(chosen[0], view)
        return chosen[0] if chosen else None

    def _require_size(self, image: Entry, view: View) -> None:
        told, own = (image.get("width"), image.get("height")), (view.width, view.height)
        if wrong := [t for t in told if not (t is None or isinstance(t, int | float))]:
            where = f"{self.path}, image '{image['file_name']}'"
            raise InputError(where, f"its size is {wrong[0]!r}", "Write width and height in pixels")
        if None in told or told == own:
            return
        remedy = "Give the image that was annotated, as it was"
        if told == own[::-1]:
            remedy += "; sides are swapped, so one of both may follow an EXIF rotation"
        where = f"{self.path}, image '{image['file_name']}'"
        found = f"it says {told[0]} x {told[1]} pixels, and {view.image} has {own[0]} x {own[1]}"
        raise InputError(where, found, remedy)


@lru_cache(maxsize=4)
def _listing(path: Path, changed: int) -> Listing:
    return Listing(path)


def read(path: Path, config: ObjectsConfig, view: View) -> Marks | None:
    """Objects of a scene; None if the file does not list its image."""
    listing = _listing(path, path.stat().st_mtime_ns)
    image = listing.image(view)
    return None if image is None else _marks(listing, image, config)


def _marks(listing: Listing, image: Entry, config: ObjectsConfig) -> Iterator[Mark | InputError]:
    for i, annotation in listing.annotations.get(image["id"], []):
        where = f"{listing.path}, annotations[{i}] (image '{image['file_name']}')"
        try:
            own = annotation.get("category_id")
            category = listing.categories.get(own) if isinstance(own, int | str) else None
            if category is None:
                raise _unknown(listing, annotation, where)
            corners = _corners(annotation, image, config, where)
            yield Mark(where, category, corners, bool(annotation.get("iscrowd")))
        except InputError as error:
            yield error


def _unknown(listing: Listing, annotation: Mapping[str, Any], where: str) -> InputError:
    ids = sorted(map(str, listing.categories))
    found = (
        f"category_id is {annotation.get('category_id')!r}, and the file has the categories {', '.join(ids)}"
    )
    return InputError(where, found, "Correct it; ids may be shifted by one")


def _corners(annotation: Mapping[str, Any], image: Entry, config: ObjectsConfig, where: str) -> Quad:
    """The box, or with kind 'rotated' the rectangle around the outline if there is one."""
    outline = annotation.get("segmentation")
    if config.kind == "rotated" and outline:
        return rectangle(_points(outline, image, where))
    given = annotation.get("bbox")
    if not given and outline:
        return around(_points(outline, image, where))
    try:
        x, y, width, height = (float(v) for v in given or [])
    except (TypeError, ValueError):
        raise InputError(where, f"bbox is {given!r}", "It has x, y, width and height in pixels") from None
    if width < 0 or height < 0:
        found = f"bbox is {given}, with a side below 0"
        raise InputError(where, found, "It has x, y, width and height, not two corners; correct it")
    wide, high = image.get("width") or np.inf, image.get("height") or np.inf
    if x + width > 1.01 * wide + 2 or y + height > 1.01 * high + 2:
        found = f"bbox is {given}, which reaches beyond the image of {wide} x {high} pixels"
        raise InputError(where, found, "It has x, y, width and height, not two corners; correct it")
    if 0 < max(width, height) <= 1 and max(x, y) <= 1:
        found = f"bbox is {given}, which lies in one pixel"
        raise InputError(
            where, found, "It is in pixels, not in shares of the image's sides; multiply by them"
        )
    return box(x, y, width, height)


def _points(outline: Any, image: Entry, where: str) -> NDArray[np.float64]:
    """Points (N, 2) of polygons, or corners of the pixels of run lengths."""
    try:
        if isinstance(outline, dict):
            return _pixels(outline)
        parts = [np.reshape(np.asarray(part, np.float64), (-1, 2)) for part in outline]
        found = np.concatenate(parts)
        if len(found) >= 3 and np.isfinite(found).all():
            return found
    except (ValueError, TypeError, KeyError, OverflowError):
        pass
    remedy = "It has polygons [[x1, y1, x2, y2, ...], ...] of three or more points, or run lengths"
    raise InputError(where, "segmentation cannot be read", remedy)


def _pixels(runs: dict[str, Any]) -> NDArray[np.float64]:
    from pycocotools import mask

    if not 0 < math.prod(int(side) for side in runs["size"]) <= MOST:
        raise ValueError("no image has this size")
    packed = runs if isinstance(runs["counts"], str | bytes) else mask.frPyObjects(runs, *runs["size"])
    rows, cols = np.nonzero(mask.decode(packed))
    if not len(rows):
        raise ValueError("no pixel")
    return np.concatenate([np.stack([cols + i, rows + j], 1) for i in (0, 1) for j in (0, 1)]).astype(float)

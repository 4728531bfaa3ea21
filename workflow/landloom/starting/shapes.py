"""Vector files as labels: which images they belong to, and what their classes are."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from landloom.config.data import VECTORS
from landloom.errors import InputError
from landloom.raster import vectors
from landloom.raster.first_look import Header
from landloom.raster.label_layers import spelt
from landloom.starting import pairing
from landloom.starting.legend import Legend, colored, free
from landloom.starting.pairing import Pairs

if TYPE_CHECKING:
    import geopandas

HEAD = 1 << 16
"""Bytes of a .json file that are looked at: most hold something else than shapes."""
CLASSES = 32
"""Most values of an attribute that says classes; more are names or numbers of shapes."""
LIKELY = ("class", "classname", "class_name", "label", "kind", "type", "category", "landuse", "landcover")
"""Names of attributes that say classes, the likeliest first."""
REST = "background"


def files(root: Path) -> list[Path]:
    """Vector files of a folder, relative to it; a .json file only if it says that it holds features."""
    found = pairing.files(root, VECTORS)
    return [p for p in found if p.suffix.lower() != ".json" or holds_features(root / p)]


def holds_features(path: Path) -> bool:
    """Whether a .json file is GeoJSON, as its first bytes tell."""
    with path.open("rb") as file:
        return re.search(rb'"type"\s*:\s*"FeatureCollection"', file.read(HEAD)) is not None


def pair(root: Path) -> Pairs | None:
    """Images and the shapes of each; one file for all if there is but one. None without shapes.

    Raises:
        InputError: no image goes with a file of shapes.
    """
    shapes = files(root)
    if not shapes:
        return None
    images = pairing.files(root, pairing.SUFFIXES)
    if len(shapes) == 1:
        return Pairs(root, [(i, shapes[0]) for i in images], 0, 0)
    return pairing.matched(root, images, shapes)


def look(pairs: Pairs, images: Sequence[Header]) -> tuple[Legend, list[Counter[int]], dict[str, Any]]:
    """Classes of shapes, pixels of each in each image by its place among them, and further keys of ``data``.

    Raises:
        InputError: shapes have no area in any image, or an image has no place.
    """
    first = pairs.root / pairs.files[0][1]
    layers = vectors.layers(first)
    layer = layers[0] if len(layers) > 1 else None
    if lost := [h.path for h in images if h.ground is None or h.crs is None]:
        found, remedy = "has no CRS or no transform, so that shapes have no place in it", "Georeference it"
        raise InputError(lost[0], found, remedy)
    parts = [_areas(pairs.root / s, h, layer) for (_, s), h in zip(pairs.files, images, strict=True)]
    attribute = _attribute(parts)
    values = (
        sorted({str(spelt(v)) for p in parts for v in p[attribute].dropna()}) if attribute else [first.stem]
    )
    counts = [_counted(p, attribute, values) for p in parts]
    total: Counter[int] = sum(counts, Counter())
    if not total:
        raise InputError(first, "its shapes cover no pixel of the images", "Give polygons of the same ground")
    kept = [i for i in range(len(values)) if total[i]]
    legend = Legend(
        {values[i]: _named(values[i]) for i in kept}, colored([values[i] for i in kept]), [], 0.0,
        {values[i]: total[i] for i in kept}, rest=REST, plain=attribute is None,
    )  # fmt: skip
    every = sum(h.height * h.width for h in images)
    legend.pixels[REST] = max(0, every - total.total())
    legend.said = _said(first, layer, layers, attribute)
    settings = {k: v for k, v in (("attribute", attribute), ("layer", layer)) if v is not None}
    return legend, counts, ({"vectors": settings} if settings else {}) | {"rest": REST}


def _named(value: str) -> str:
    """The name of a class after a value."""
    plain = " ".join(value.split()) or "none"
    return f"{plain}_class" if plain == REST else free(plain)


def _said(path: Path, layer: str | None, layers: Sequence[str], attribute: str | None) -> list[str]:
    said = [f"labels are shapes; what none covers is '{REST}'"]
    said += [f"{path.name} has the layers {', '.join(layers)}: '{layer}' is read"] if layer else []
    what = (
        f"attribute '{attribute}' says the class" if attribute else "no attribute says a class: all are one"
    )
    return [*said, what]


def _areas(path: Path, image: Header, layer: str | None) -> "geopandas.GeoDataFrame":
    """Attributes of the shapes in an image, and the pixels that each covers, as ``__pixels``."""
    assert image.ground is not None
    assert image.crs is not None
    (west, south), (east, north) = image.ground.quad.min(0), image.ground.quad.max(0)
    sides = np.linalg.norm(np.diff(image.ground.quad[:3], axis=0), axis=1)
    found = vectors.read(path, (west, south, east, north), image.crs, layer)
    inside = found.geometry.clip_by_rect(west, south, east, north)
    pixels = inside.area * image.height * image.width / float(sides.prod())
    return found.drop(columns=found.geometry.name).assign(__pixels=pixels.round().astype(int))


def _attribute(parts: Sequence[Any]) -> str | None:
    """The attribute that most likely says classes; None if none does."""
    names = [c for c in parts[0].columns if c != "__pixels" and all(c in p.columns for p in parts)]
    few = []
    for name in names:
        values = [v for p in parts for v in p[name]]
        known = {spelt(v) for v in values} - {None}
        if 1 < len(known) <= min(CLASSES, max(2, len(values) // 2)):
            few.append(name)
    likely = [n for word in LIKELY for n in few if n.lower() == word]
    return next(iter([*likely, *few]), None)


def _counted(part: Any, attribute: str | None, values: Sequence[str]) -> Counter[int]:
    """Pixels of each class of an image, by its place among the values."""
    if attribute is None:
        return +Counter({0: int(part["__pixels"].sum())})
    found: Counter[int] = Counter()
    for value, pixels in zip(part[attribute], part["__pixels"], strict=True):
        if spelt(value) is not None:
            found[values.index(str(spelt(value)))] += int(pixels)
    return +found

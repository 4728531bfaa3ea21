"""A quick look at scenes before any job starts: headers, last blocks, and mask values."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.alignment import AlignedMask
from landloom.raster.alike import Storage, storage
from landloom.raster.ground import Ground, grounds
from landloom.raster.labels import IGNORE
from landloom.raster.readable import readable
from landloom.raster.reader import SceneReader
from landloom.raster.unknown import lossy
from landloom.raster.windows import Window, areas
from landloom.scenes.discovery import SceneFiles, lacking
from landloom.scenes.splits import UNLABELLED

STRIP = 256
"""Rows of a mask that are looked at together."""

Area = tuple[str, Window]
Given = TypeVar("Given")
Found = TypeVar("Found")


@dataclass(frozen=True)
class SceneFacts:
    """What the headers of a scene say.

    Attributes:
        files: the scene.
        height: in pixels.
        width: in pixels.
        bands: number of bands that are read.
        dtype: their common numpy type.
        crs: authority code or WKT, or None.
        areas: split and place of the scene or of its blocks.
        alpha: an alpha band is used as validity and not read as data.
        paged: files that hold more rasters than the first one, which alone is read.
        lossy: masks whose compression changes values.
        aligned: masks that were on another grid, their CRS and pixel size, as JSON.
        storage: how the bands that are read are stored.
        ground: where the areas lie on the Earth; nothing without a georeference.
        gsd: ground sampling distance in metres, None where it is not known.
    """

    files: SceneFiles
    height: int
    width: int
    bands: int
    dtype: str
    crs: str | None
    areas: list[Area]
    alpha: bool
    paged: list[str]
    lossy: list[str]
    aligned: list[dict[str, Any]]
    storage: Storage
    ground: list[Ground]
    gsd: float | None = None


def missing(scenes: Iterable[SceneFiles]) -> list[InputError]:
    """One error for each file that is not there."""
    remedy = "Add the file, or fix its path or pattern under data"
    return [
        InputError(f"scene '{scene.name}', {kind} {path}", f"the file {lacking(path)}", remedy)
        for scene in scenes
        for path in scene.files
        for kind in ["mask" if path in scene.masks else "image"]
        if not path.is_file()
    ]


def look(scene: SceneFiles, data: DataConfig, label: str, size: int) -> SceneFacts:
    """Open a scene, compare its files and read each band's last block: a file that was cut off fails there.

    Args:
        scene: its files.
        data: what to read of them.
        label: the scene's split, or 'block'.
        size: side of a tile in pixels.

    Raises:
        InputError: a file cannot be read, or the files do not fit each other or the config.
    """
    with SceneReader(scene, data) as reader:
        for file in reader.files:
            with readable(file.name):
                file.read(window=Slice(file.width - 1, file.height - 1, 1, 1))
        alpha = any(
            interp == ColorInterp.alpha and not any(b.file is f and b.number == n for b in reader.bands)
            for f in reader.images
            for n, interp in zip(f.indexes, f.colorinterp, strict=True)
        )
        reader.acquired(), reader.cloud()  # and where it lies: what cannot be is an error before any job
        reader.place(0.5, 0.5), reader.place(reader.height - 0.5, reader.width - 0.5)
        middle = reader.place(reader.height / 2, reader.width / 2)
        places = areas(scene.ground, reader.height, reader.width, label, data.split, size)
        return SceneFacts(
            scene,
            reader.height,
            reader.width,
            len(reader.bands),
            reader.dtype.name,
            reader.crs,
            places,
            alpha,
            [f.name for f in reader.files if f.subdatasets],
            [m.name for m in reader.masks if lossy(m)],
            [m.facts for m in reader.labels.rasters if isinstance(m, AlignedMask)] if reader.labels else [],
            storage(reader.bands),
            grounds(scene.name, reader.crs, reader.transform, places),
            reader.gsd(None if middle is None else middle[1]),
        )


def strips(facts: Sequence[SceneFacts], pixels: int) -> tuple[list[list[Area]], float]:
    """Choose parts of the masks to look at, evenly over all scenes.

    Returns:
        For each scene the parts with their splits, at most about ``pixels`` together, and the share of all
        pixels that they cover. Unlabelled areas have none.
    """
    every = [
        (i, label, Window(row, a.col, min(STRIP, a.row + a.height - row), a.width))
        for i, fact in enumerate(facts)
        for label, a in fact.areas
        if label != UNLABELLED
        for row in range(a.row, a.row + a.height, STRIP)
    ]
    total = sum(w.height * w.width for _, _, w in every)
    keep = len(every) if total <= pixels else int(len(every) * pixels / total)
    chosen = [every[k] for k in np.linspace(0, len(every) - 1, keep).astype(int)] if keep else []
    parts: list[list[Area]] = [[] for _ in facts]
    for i, label, window in chosen:
        parts[i].append((label, window))
    return parts, sum(w.height * w.width for _, _, w in chosen) / total if total else 0.0


@dataclass(frozen=True)
class Pixels:
    """What was found in parts of a scene, in pixels.

    Attributes:
        scene: the scene.
        counts: of each class (K,), by split.
        hidden: of a class in the mask, but transparent or hidden by a mask band.
        partly: that hold data although some bands are nodata.
        uncovered: that a mask on another grid does not cover.
        seen: all that were looked at.
    """

    scene: SceneFiles
    counts: dict[str, NDArray[np.int64]]
    hidden: int
    partly: int
    uncovered: int
    seen: int


def count(scene: SceneFiles, data: DataConfig, parts: Sequence[Area]) -> Pixels:
    """Count the pixels of each class, and doubtful ones, in parts of a scene.

    Raises:
        InputError: the mask holds values that the config does not list.
    """
    counts: dict[str, NDArray[np.int64]] = {}
    hidden = partly = uncovered = 0
    unknown: Counter[float] = Counter()
    with SceneReader(scene, data) as reader:
        assert reader.labels is not None
        for label, w in parts:
            part = Slice(w.col, w.row, w.width, w.height)
            indices, strange = reader.labels.read(part)
            hidden += reader.labels.hidden(part)
            uncovered += reader.labels.uncovered(part)
            partly += reader.partly_missing(part)
            unknown += strange
            found = np.bincount(indices[indices != IGNORE], minlength=len(data.classes))
            counts[label] = counts.get(label, 0) + found
        if unknown:
            raise reader.labels.refusal(unknown)
    return Pixels(scene, counts, hidden, partly, uncovered, sum(w.height * w.width for _, w in parts))


def each(
    job: Callable[[Given], Found], items: Iterable[Given], problems: list[InputError], threads: int
) -> list[Found]:
    """Results of a job for each item, in order; InputErrors are added to ``problems`` instead."""

    def guarded(item: Given) -> Found | InputError:
        try:
            return job(item)
        except InputError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(guarded, items))
    problems += [r for r in results if isinstance(r, InputError)]
    return [r for r in results if not isinstance(r, InputError)]

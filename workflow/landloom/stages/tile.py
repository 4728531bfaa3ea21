"""Cut scenes into tiles: windows with image, mask and place, one shard for one scene or for several."""

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.data import dates, known_pixels, map_layer, samples
from landloom.data.samples import Meta, Sample, ShardWriter
from landloom.errors import InputError
from landloom.objects import lists
from landloom.raster import block_cache, codec, histogram
from landloom.raster.class_map import Grid
from landloom.raster.labels import IGNORE
from landloom.raster.map_drawing import MapDrawing
from landloom.raster.pyramid import area_mean, majority
from landloom.raster.reader import SceneReader
from landloom.raster.scene_maps import Drawings
from landloom.raster.series import Frame, Series
from landloom.raster.windows import Window, areas, tiles
from landloom.runtime import progress
from landloom.runtime.command_line import In, Ins, Out
from landloom.scenes import acquisition
from landloom.scenes.acquisition import UNKNOWN
from landloom.scenes.discovery import BESIDE, SceneFiles
from landloom.scenes.naming import coded, scaled
from landloom.scenes.splits import LEARNED, UNLABELLED

VERSION = 6
AHEAD = 2
"""Tiles for each thread that are read before they are encoded."""


def run(
    config: TileConfig, data: DataConfig, scene: list[str], split: list[str], image: Ins, mask: Ins, out: Out,
    acquired: list[str] | None = None, cloud: list[str] | None = None, gsd: list[str] | None = None,
    lon: list[str] | None = None, lat: list[str] | None = None, place: list[str] | None = None,
    reference: Ins | None = None, reference_scene: list[str] | None = None,
    reference_place: list[str] | None = None, reference_acquired: list[str] | None = None,
    maps: Ins | None = None, legend: In | None = None,
    objects: Ins | None = None, listed: list[str] | None = None, scale: int | None = None,
) -> None:  # fmt: skip
    """Write the tiles of some scenes.

    Args:
        config: size and stride of tiles.
        data: classes, bands, scaling.
        scene: names of the scenes.
        split: split of each scene, or 'block' when it is divided inside.
        image: image files, the same number for each scene, scene by scene.
        mask: mask file of each scene, or its files of the classes in their order; none of unlabelled ones,
            whose tiles have no mask and no class shares, and none where masks are painted from objects. Files
            beside a Shapefile may stand behind it.
        out: the shard.
        acquired: day of acquisition of each scene, or 'unknown'; without it, that in the image's tags.
        cloud: share of cloud of each scene, likewise.
        gsd: metres that a pixel of each scene spans, or 'unknown'; without it, as CRS and transform have it.
        lon: longitude of the centre of each scene in degrees east, likewise.
        lat: latitude of the centre of each scene in degrees north, likewise.
        place: name of the ground that each scene shows, or 'unknown'.
        reference: image files of all scenes of these places, for layers of other days.
        reference_scene: scene of each of these files.
        reference_place: place of each of these files.
        reference_acquired: day of acquisition of each of these files, as ``acquired``.
        maps: the files that ``data.map.source`` means for these scenes; one that is not there makes no map.
        legend: of the maps, ``data.map.legend``.
        objects: file that lists the objects of all scenes, or one for each scene that has one.
        listed: for each scene whether it has one, yes or no; all have when absent.
        scale: level of a pyramid: pixels of the scene along the side of one of a tile. With it, even if it is
            1, the ground sampling distance of a scene that has none is told in pixels of the scene.

    Raises:
        InputError: a raster or a list of objects cannot be read, the lists do not fit together, or days of a
            place do not.
    """
    given = {"acquired": acquired, "cloud": cloud, "gsd": gsd, "lon": lon, "lat": lat, "place": place}
    known = {k: told(k, v, scene) for k, v in given.items()}
    files = paired(scene, split, image, mask, len(data.own), known, data.painted)
    files = lists.given(files, data.objects, objects or [], told("listed", listed, scene))
    others = referenced(reference or [], reference_scene, reference_place, reference_acquired)
    about, blocks = contents(files, data, config.size * (scale or 1))
    about |= {"scale": scale} if scale and scale > 1 else {}
    drawings = Drawings(data, maps or [], legend)
    about |= {"map": list(drawings.classes)} if drawings.classes else {}
    counts = np.zeros((about["bands"], 256), np.int64)
    about |= {"dates": most(config)} if config.dates else {}
    with block_cache.bounded(blocks * (1 + most(config))), ShardWriter(out, about) as writer:
        for one, where in zip(files, split, strict=True):
            kept = 0
            for sample, found in cut(one, where, config, data, threads(), others, drawings, scale):
                writer.add(sample)
                kept, counts = kept + 1, counts if found is None else counts + found
            if not kept:
                pixels = "pixels with data" if where == UNLABELLED else "labelled pixels"
                print(f"warning: scene '{one.name}' has no tile with enough {pixels}", file=sys.stderr)
        if about["dtype"] == "uint8":
            writer.totals["histogram"] = counts.tolist()


def paired(
    scene: list[str], split: list[str], image: list[Path], mask: list[Path], own: int,
    about: dict[str, list[str | None]], painted: bool = False,
) -> list[SceneFiles]:  # fmt: skip
    """Files of each scene, with ``own`` masks of single classes if there are such, and what is told of it.

    No scene has a mask if masks are ``painted``.

    Raises:
        InputError: the lists do not fit together.
    """
    mask = [m for m in mask if m.suffix.lower() not in BESIDE]
    count, masks = len(image) // len(scene), 0 if painted else own or 1
    wanted = masks * sum(s != UNLABELLED for s in split)
    if not (len(split) == len(scene) and len(mask) == wanted and len(image) == count * len(scene)):
        found = "--scene, --split, --image and --mask differ in length"
        raise InputError("tile", found, "Give one per scene; masks only of scenes that are not unlabelled.")
    rest = iter(mask)
    given = [() if s == UNLABELLED else tuple(islice(rest, masks)) for s in split]

    def value(name: str, i: int) -> float | None:
        return number(name, about[name][i], scene[i])

    return [
        SceneFiles(
            s, tuple(image[i * count : (i + 1) * count]), given[i][0] if given[i] and not own else None,
            None, about["acquired"][i], value("cloud", i), value("gsd", i), value("lon", i), value("lat", i),
            about["place"][i], given[i] if own else (),
        )
        for i, s in enumerate(scene)
    ]  # fmt: skip


def referenced(
    image: list[Path], scene: list[str] | None, place: list[str] | None, acquired: list[str] | None
) -> list[SceneFiles]:
    """Scenes that layers of other days are taken from, by what is said of each of their files.

    Raises:
        InputError: the lists differ in length.
    """
    if not len(image) == len(scene or []) == len(place or []):
        wrong = "--reference, --reference-scene and --reference-place differ in length"
        raise InputError("tile", wrong, "Give one of each for each file")
    days = told("reference-acquired", acquired, scene or [])
    found = dict[str, SceneFiles]()
    for file, name, where, day in zip(image, scene or [], place or [], days, strict=True):
        before = found[name].images if name in found else ()
        found[name] = SceneFiles(name, (*before, file), None, acquired=day, place=where)
    return list(found.values())


def threads() -> int:
    """Number of tiles to encode side by side: the threads that Snakemake gives the job, one without it."""
    return int(os.environ.get("OMP_NUM_THREADS") or 1)


def contents(files: Sequence[SceneFiles], data: DataConfig, size: int) -> tuple[dict[str, Any], int]:
    """What a shard says of its scenes: classes, type and number of bands, grids; and the bytes to cache."""
    with SceneReader(files[0], data) as first:
        dtype, bands = first.dtype.name, len(first.bands)
    grids, blocks = {}, 0
    for scene in files:
        with SceneReader(scene, data) as reader:
            grids[scene.name] = Grid.of(reader)._asdict()
            blocks = max(blocks, block_cache.shared(reader, size))
    names = [c.name for c in data.classes]
    return {"classes": names, "dtype": dtype, "bands": bands, "scenes": grids}, blocks


def told(name: str, values: list[str] | None, scenes: list[str]) -> list[str | None]:
    """What is given for each scene; None for what is not.

    Raises:
        InputError: there is not one value for each scene.
    """
    found = values or [UNKNOWN] * len(scenes)
    if len(found) != len(scenes):
        raise InputError(f"tile, --{name}", f"{len(found)} for {len(scenes)} scenes", "Give one per scene")
    return [None if v == UNKNOWN else v for v in found]


def number(name: str, text: str | None, scene: str) -> float | None:
    """A number that is told of a scene."""
    return None if text is None else float(acquisition.TOLD[name](text, f"scene '{scene}', {name}"))


def cut(
    scene: SceneFiles, split: str, config: TileConfig, data: DataConfig, threads: int,
    others: Sequence[SceneFiles] = (), drawings: Drawings | None = None, scale: int | None = None,
) -> Iterator[tuple[Sample, NDArray[np.int64] | None]]:  # fmt: skip
    """The tiles of one scene in reading order, each with what ``encoded`` counts.

    One thread reads, others encode: files of GDAL are no place for two threads. What they make depends on
    nothing but the tile. ``others`` are scenes whose days are laid over it, if they are of its place.
    ``scale`` is the level, see ``run``.
    """
    step = scale or 1
    with ExitStack() as stack:
        reader = stack.enter_context(SceneReader(scene, data))
        objects = lists.layout(reader, split)
        if data.painted and objects is None and split != UNLABELLED:
            return  # nothing is known of what it shows
        pool = stack.enter_context(ThreadPoolExecutor(threads))
        wanted = config.dates is not None and scene.place is not None
        series = stack.enter_context(Series(reader, others if wanted else [], most(config)))
        found = areas(scene.ground, reader.height, reader.width, split, data.split, config.size)
        chosen = tiles(found, config, data.split.buffer, step)
        drawing = None if drawings is None else drawings.of(reader, config.size, step)
        begun: deque[Future[tuple[Sample, NDArray[np.int64] | None]]] = deque()
        for label, window in progress.shown(chosen, f"windows of {scene.name}"):
            pixels = read(reader, window, label, config.min_valid if label in LEARNED else 0.0, step)
            if pixels is not None:
                sample = described(reader, window, label, scale)
                sample.objects = objects.within(window, step) if objects and label != UNLABELLED else None
                more = len(data.classes), [coarser(f, step) for f in series.frames(window)], drawing
                begun.append(pool.submit(encoded, sample, *pixels, *more))
            if len(begun) > AHEAD * threads:
                yield begun.popleft().result()
        yield from (tile.result() for tile in begun)


def most(config: TileConfig) -> int:
    """Other days that a tile has at most."""
    return 0 if config.dates is None else config.dates.most


def read(
    reader: SceneReader, window: Window, split: str, min_valid: float, scale: int = 1
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.uint8] | None] | None:
    """Image, pixels that count, and mask of one window at a scale; no mask where the split is unlabelled.

    Pixels with data and a class count, or with data where there is no mask. None when there is no such pixel,
    or a smaller share of them than ``min_valid``.
    """
    mask = None
    if split == UNLABELLED:
        image, valid = area_mean(*reader.read_image_mirrored(window), scale)
    else:
        image, valid, mask = reader.read(window)
        mask[~valid] = IGNORE
        image, _ = area_mean(image, valid, scale)
        mask = majority(mask, scale)
        valid = mask != IGNORE
    down, across = (reader.height - window.row) // scale, (reader.width - window.col) // scale
    share = valid[:down, :across].mean()
    return None if not share or share < min_valid else (image, valid, mask)


def coarser(frame: Frame, scale: int) -> Frame:
    """Another day at a scale."""
    if scale == 1:
        return frame
    values, valid = area_mean(frame.values, frame.valid, scale)
    return frame._replace(values=np.where(valid, values, 0), valid=valid)


def described(reader: SceneReader, window: Window, split: str, scale: int | None = None) -> Sample:
    """The sample of one window, still without pixels."""
    step, lies = scale or 1, None
    if reader.transform is not None:
        grid = reader.transform @ Affine.translation(window.col, window.row) @ Affine.scale(step)
        lies = [float(x) for x in grid[:6]]
    return Sample(
        id=f"{scaled(coded(reader.scene.name), step)}_{window.row}_{window.col}",
        scene=reader.scene.name,
        row=window.row,
        col=window.col,
        crs=reader.crs,
        transform=lies,
        split=split,
        meta=taken(reader, window, scale),
        place=reader.scene.place,
    )


def encoded(
    sample: Sample,
    image: NDArray[Any],
    valid: NDArray[np.bool_],
    mask: NDArray[np.uint8] | None,
    classes: int,
    days: Sequence[Frame] = (),
    drawing: MapDrawing | None = None,
) -> tuple[Sample, NDArray[np.int64] | None]:
    """The sample with its pixels; of 8 bits that are learned from also how often each value counts."""
    sample.image = codec.encode(image, sample.crs, sample.transform)
    if mask is None:
        sample.layers = known_pixels.layers(valid)
    else:
        sample.mask = codec.encode(mask)
        sample.ratios = samples.class_ratios(mask, classes)
    sample.layers += [dates.layer(day) for day in days]
    if drawing is not None and sample.transform is not None:
        sample.layers += map_layer.layers(drawing(Affine(*sample.transform), *image.shape[1:]))
    counted = sample.split in LEARNED and image.dtype == np.uint8
    return sample, histogram.where(image, valid) if counted else None


def taken(reader: SceneReader, window: Window, scale: int | None = None) -> Meta:
    """Where (its centre), when and how a window was taken, as far as it is known.

    Levels of a pyramid differ in their ground sampling distance. That of a scene of which it is not known is
    then in pixels of the scene.
    """
    lon, lat = reader.place(window.row + window.height / 2, window.col + window.width / 2) or (None, None)
    gsd = reader.gsd(lat)
    gsd = gsd if scale is None else round((gsd or 1) * scale, 6)
    return Meta(lon, lat, gsd, reader.cloud(), reader.acquired())

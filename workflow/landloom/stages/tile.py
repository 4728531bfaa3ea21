"""Cut scenes into tiles: windows with image, mask and place, one shard for one scene or for several."""

import sys
from collections.abc import Sequence
from typing import Any

from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.data.samples import Meta, Sample, ShardWriter
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.class_map import Grid
from landloom.raster.labels import IGNORE
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window, areas, tiles
from landloom.runtime import progress
from landloom.runtime.command_line import Ins, Out
from landloom.scenes import acquisition
from landloom.scenes.acquisition import UNKNOWN
from landloom.scenes.discovery import SceneFiles

VERSION = 5


def run(
    config: TileConfig, data: DataConfig, scene: list[str], split: list[str], image: Ins, mask: Ins, out: Out,
    acquired: list[str] | None = None, cloud: list[str] | None = None,
) -> None:  # fmt: skip
    """Write the tiles of some scenes.

    Args:
        config: size and stride of tiles.
        data: classes, bands, scaling.
        scene: names of the scenes.
        split: split of each scene, or 'block' when it is divided inside.
        image: image files, the same number for each scene, scene by scene.
        mask: mask file of each scene.
        out: the shard.
        acquired: day of acquisition of each scene, or 'unknown'; without it, that in the image's tags.
        cloud: share of cloud of each scene, likewise.

    Raises:
        InputError: a raster cannot be read, or the lists do not fit together.
    """
    count = len(image) // len(scene)
    if not (len(mask) == len(split) == len(scene) and len(image) == count * len(scene)):
        raise InputError(
            "tile", "--scene, --split, --image and --mask differ in length", "Give one per scene."
        )
    days, clouds = told("acquired", acquired, scene), told("cloud", cloud, scene)
    files = [
        SceneFiles(s, tuple(image[i * count : (i + 1) * count]), mask[i], None, days[i], share(clouds[i], s))
        for i, s in enumerate(scene)
    ]
    with ShardWriter(out, contents(files, data)) as writer:
        for one, where in zip(files, split, strict=True):
            if not add(writer, one, where, config, data):
                print(f"warning: scene '{one.name}' has no tile with enough labelled pixels", file=sys.stderr)


def contents(files: Sequence[SceneFiles], data: DataConfig) -> dict[str, Any]:
    """What a shard of some scenes says of them: classes, type and number of bands, grids."""
    with SceneReader(files[0], data) as first:
        dtype, bands = first.dtype.name, len(first.bands)
    grids = {}
    for scene in files:
        with SceneReader(scene, data) as reader:
            grids[scene.name] = Grid.of(reader)._asdict()
    return {"classes": [c.name for c in data.classes], "dtype": dtype, "bands": bands, "scenes": grids}


def told(name: str, values: list[str] | None, scenes: list[str]) -> list[str | None]:
    """What is given for each scene; None for what is not.

    Raises:
        InputError: there is not one value for each scene.
    """
    found = values or [UNKNOWN] * len(scenes)
    if len(found) != len(scenes):
        raise InputError(f"tile, --{name}", f"{len(found)} for {len(scenes)} scenes", "Give one per scene")
    return [None if v == UNKNOWN else v for v in found]


def share(text: str | None, scene: str) -> float | None:
    """Share of cloud in a text."""
    return None if text is None else acquisition.share(text, f"scene '{scene}', cloud")


def add(writer: ShardWriter, scene: SceneFiles, split: str, config: TileConfig, data: DataConfig) -> int:
    """Write the tiles of one scene; returns how many there are."""
    kept = 0
    with SceneReader(scene, data) as reader:
        found = areas(scene.name, reader.height, reader.width, split, data.split, config.size)
        chosen = tiles(found, config, data.split.buffer)
        for label, window in progress.shown(chosen, f"windows of {scene.name}"):
            needed = config.min_valid if label == "train" else 0.0
            sample = cut(reader, window, label, needed, len(data.classes))
            if sample is not None:
                writer.add(sample)
                kept += 1
    return kept


def cut(reader: SceneReader, window: Window, split: str, min_valid: float, classes: int) -> Sample | None:
    """Make the sample of one window.

    None when none of its pixels has data and a class, or a smaller share of them than ``min_valid``.
    """
    image, valid, mask = reader.read(window)
    mask[~valid] = IGNORE
    inside = mask[: reader.height - window.row, : reader.width - window.col]
    share = (inside != IGNORE).mean()
    if not share or share < min_valid:
        return None
    move = reader.transform and reader.transform.translation(window.col, window.row)
    place = None if reader.transform is None else [float(x) for x in (reader.transform @ move)[:6]]
    return Sample(
        id=f"{reader.scene.name}_{window.row}_{window.col}",
        image=codec.encode(image, reader.crs, place),
        mask=codec.encode(mask),
        scene=reader.scene.name,
        row=window.row,
        col=window.col,
        crs=reader.crs,
        transform=place,
        split=split,
        ratios=samples.class_ratios(mask, classes),
        meta=taken(reader, window),
    )


def taken(reader: SceneReader, window: Window) -> Meta:
    """Where (its centre), when and how a window was taken, as far as it is known."""
    lon, lat = reader.place(window.row + window.height / 2, window.col + window.width / 2) or (None, None)
    return Meta(lon, lat, reader.gsd(lat), reader.cloud(), reader.acquired())

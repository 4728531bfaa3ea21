"""Cut a scene into tiles: windows with image, mask and place, one shard a scene."""

import sys

from landloom import samples
from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.raster import codec
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window, areas, tiles
from landloom.samples import IGNORE, Sample, ShardWriter
from landloom.scenes import SceneFiles
from landloom.stage import In, Ins, Out

VERSION = 1


def run(config: TileConfig, data: DataConfig, scene: str, split: str, image: Ins, mask: In, out: Out) -> None:
    """Write the tiles of a scene; ``split`` is the scene's, or 'block' when it is divided inside."""
    names = [c.name for c in data.classes]
    with SceneReader(SceneFiles(scene, tuple(image), mask), data) as reader:
        found = areas(scene, reader.height, reader.width, split, data.split, config.size)
        about = {"classes": names, "dtype": reader.dtype.name, "bands": len(reader.bands)}
        kept = 0
        with ShardWriter(out, about) as writer:
            for label, window in tiles(found, config):
                sample = cut(reader, window, label, config.min_valid, len(names))
                if sample is not None:
                    writer.add(sample)
                    kept += 1
    if not kept:
        print(f"warning: scene '{scene}' has no tile with enough labelled pixels", file=sys.stderr)


def cut(reader: SceneReader, window: Window, split: str, min_valid: float, classes: int) -> Sample | None:
    """Make the sample of one window; None when too few of its pixels have data and a class."""
    image, valid, mask = reader.read(window)
    mask[~valid] = IGNORE
    inside = mask[: reader.height - window.row, : reader.width - window.col]
    if (inside != IGNORE).mean() < min_valid:
        return None
    move = reader.transform and reader.transform.translation(window.col, window.row)
    place = None if reader.transform is None else [float(x) for x in (reader.transform * move)[:6]]
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
    )

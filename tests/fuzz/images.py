"""Images and masks, read as ``check``, ``tile``, ``init`` and the commands read them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.transform import Affine

from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.raster import block_shares, codec, first_look, survey
from landloom.raster.class_map import Grid
from landloom.raster.mirrored import Mirrored
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.runtime import command_line
from landloom.scenes.discovery import SceneFiles
from landloom.stages import tile
from tests import rasters
from tests.fuzz.target import Target

SIDE = 40
BLOCKS: dict[str, Any] = {"tiled": True, "blockxsize": 16, "blockysize": 16}
WIDE: dict[str, Any] = {"kind": "uint16"}


def _pair(suffix: str, folder: Path, kind: str = "uint8", **profile: Any) -> None:
    noise = rasters.noise(SIDE, SIDE, 1 if kind == "float32" else 3).astype(kind)
    rasters.save(folder / f"image{suffix}", noise, **profile)
    rasters.save(folder / f"mask{'.tif' if suffix == '.tif' else '.png'}", rasters.halves(SIDE, SIDE))


def _masked(folder: Path) -> None:
    """A format that always has a table of colours holds masks alone."""
    rasters.save(folder / "image.png", rasters.noise(SIDE, SIDE))
    rasters.save(folder / "mask.gif", rasters.halves(SIDE, SIDE))


def _scene(folder: Path) -> SceneFiles:
    image, mask = (next(folder.glob(f"{name}.*[!lr]")) for name in ("image", "mask"))
    return SceneFiles("a", (image,), mask)


def _scene_read(folder: Path) -> None:
    """As ``check`` looks at a scene, and as ``tile`` reads it."""
    scene, data = _scene(folder), rasters.config(folder)
    facts = survey.look(scene, data, "train", 16)
    survey.count(scene, data, survey.strips([facts], 10**6)[0][0])
    with SceneReader(scene, data) as reader:
        for row, col in ((0, 0), (24, 24)):
            reader.read(Window(row, col, 16, 16))


def _first_read(folder: Path) -> None:
    """As ``landloom init`` looks at rasters of which nothing is known."""
    scene = _scene(folder)
    for path in (*scene.images, *scene.masks):
        first_look.header(path)
        first_look.masklike(path)
        first_look.varies(path, 1)
    first_look.values(scene.masks[0])


def _mirrored(folder: Path) -> None:
    """As scenes to enlarge and to paint are read."""
    with Mirrored(folder / "image.tif") as file:
        file.read(Window(-8, -8, 24, 24))
    with Mirrored(folder / "mask.tif") as file:
        file.read(Window(30, 30, 24, 24))


def _tiled(folder: Path) -> None:
    """The stage ``tile``: what it leaves behind is whole, or nothing."""
    scene, out = _scene(folder), folder / "tiles.parquet"
    try:
        with command_line.atomic([out]) as (partial_out,):
            job = [scene.name], ["train"], list(scene.images), list(scene.masks)
            tile.run(TileConfig(size=16), rasters.config(folder), *job, partial_out)
    except BaseException:
        assert not out.exists(), "a refused scene left tiles behind"
        raise
    finally:
        assert not list(folder.glob(".*.partial")), "a partial file was left behind"
    for sample in samples.read(out):
        sample.image_array(), sample.mask_array()


def _shares(folder: Path) -> None:
    array = np.full((2, 3, 3), 0.5, np.float32)
    rasters.save(folder / "shares.tif", array, transform=rasters.GRID @ Affine.scale(16))


def _shares_read(folder: Path) -> None:
    grid = Grid(SIDE, SIDE, "EPSG:32652", [float(x) for x in rasters.GRID[:6]])
    block_shares.read(folder / "shares.tif", grid, ["a", "b"], 16)


def _encoded(folder: Path) -> None:
    (folder / "cell.png").write_bytes(codec.encode(rasters.halves(SIDE, SIDE)))
    (folder / "cell.tif").write_bytes(codec.encode(rasters.noise(SIDE, SIDE, 4).astype(np.uint16)))


def _encoded_read(folder: Path) -> None:
    """Rasters inside of shards."""
    samples.Sample("a", mask=(folder / "cell.png").read_bytes()).mask_array()
    samples.Sample("a", image=(folder / "cell.tif").read_bytes()).image_array()


def _of(kind: str, name: str, make: Callable[[Path], object], suffix: str, weight: int = 2) -> list[Target]:
    both = (f"image{suffix}", "mask.tif" if suffix == ".tif" else "mask.png")
    return [
        Target(kind, f"{name}, scene", both, make, _scene_read, 2 * weight),
        Target(kind, f"{name}, first look", both, make, _first_read, weight),
    ]


TARGETS = [
    *_of("GeoTIFF", "strips", partial(_pair, ".tif"), ".tif"),
    *_of("GeoTIFF", "tiles", partial(_pair, ".tif", **BLOCKS, compress="deflate", predictor=2), ".tif"),
    *_of("GeoTIFF", "16 bits", partial(_pair, ".tif", **WIDE, compress="lzw", interleave="band"), ".tif"),
    *_of("GeoTIFF", "floats", partial(_pair, ".tif", kind="float32", compress="zstd"), ".tif"),
    *_of("GeoTIFF", "jpeg", partial(_pair, ".tif", compress="jpeg", photometric="ycbcr"), ".tif"),
    *_of("GeoTIFF", "BigTIFF", partial(_pair, ".tif", bigtiff="yes"), ".tif", 1),
    Target("GeoTIFF", "mirrored", ("*.tif",), partial(_pair, ".tif"), _mirrored),
    Target("GeoTIFF", "stage tile", ("*.tif",), partial(_pair, ".tif", compress="deflate"), _tiled, 4),
    Target("GeoTIFF", "shares of blocks", ("shares.tif",), _shares, _shares_read),
    Target("GeoTIFF", "in a shard", ("cell.tif",), _encoded, _encoded_read, 2),
    *_of("PNG", "plain", partial(_pair, ".png"), ".png", 4),
    *_of("PNG", "16 bits", partial(_pair, ".png", kind="uint16"), ".png"),
    Target("PNG", "stage tile", ("*.png",), partial(_pair, ".png"), _tiled, 3),
    Target("PNG", "in a shard", ("cell.png",), _encoded, _encoded_read, 4),
    *_of("JPEG", "plain", partial(_pair, ".jpg"), ".jpg", 4),
    *_of("JPEG", "progressive", partial(_pair, ".jpg", progressive="on"), ".jpg", 2),
    *_of("JPEG 2000", "plain", partial(_pair, ".jp2"), ".jp2"),
    *_of("ERDAS IMAGINE", "plain", partial(_pair, ".img"), ".img"),
    *_of("ERDAS IMAGINE", "compressed", partial(_pair, ".img", compressed="yes"), ".img"),
    *_of("BMP", "plain", partial(_pair, ".bmp"), ".bmp", 1),
    Target("GIF", "mask of a scene", ("mask.gif",), _masked, _scene_read, 4),
    Target("GIF", "mask, first look", ("mask.gif",), _masked, _first_read, 2),
    *_of("WebP", "plain", partial(_pair, ".webp"), ".webp"),
    Target("ENVI", "header", ("image.hdr",), partial(_pair, ".dat"), _scene_read, 4),
    Target("ENVI", "pixels", ("image.dat",), partial(_pair, ".dat"), _first_read, 1),
]  # fmt: skip

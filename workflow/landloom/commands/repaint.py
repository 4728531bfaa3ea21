"""``landloom repaint``: holes in an image of any size, painted by a trained generator; all else stays."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window as Slice

from landloom.commands.predict import fitting
from landloom.data.statistics import Statistics
from landloom.diffusion.inpainting import Paint, View, painted, thin
from landloom.errors import InputError
from landloom.orchestration import image_generators
from landloom.raster import edited_copy, grid, opening
from landloom.raster.labels import IGNORE
from landloom.raster.readable import readable
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.runtime import command_line, progress
from landloom.runtime.command_line import unmarked
from landloom.scenes.discovery import SceneFiles


def main(arguments: list[str]) -> int:
    """Write the painted image; returns 0."""
    given = parser().parse_args(arguments)
    if given.out.exists():
        raise InputError(given.out, "is there already", "Give another name, or remove it")
    more = {"mask": [given.mask]} if given.mask else {}
    command_line.require({"image": [given.image], "hole": [given.hole]} | more)
    made = image_generators.find(given.run, given.configfile or [], given.generator, "known_pixels")
    files = SceneFiles(given.image.stem, (given.image,), given.mask)
    with (
        SceneReader(files, made.config.data) as image,
        readable(given.hole),
        opening.opened(given.hole) as hole,
    ):
        fitting(image, made.statistics)
        check(image, hole)
        paint = made.load(batch=1)
        warn(hole, paint.model.factor)
        tags = {"LANDLOOM_SYNTHETIC": "in part", "LANDLOOM_HOLE": str(given.hole)}
        tags |= {"LANDLOOM_MODEL": str(made.folder), "LANDLOOM_SEED": str(given.seed)}
        with command_line.atomic([given.out]) as (out,), edited_copy.copy(image.images[0], out, tags) as file:
            fill(image, hole, file, made.statistics, paint, given.seed)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="landloom repaint", description=unmarked(__doc__))
    made.add_argument("image", type=Path, help="image file, with the bands that the generator learned")
    made.add_argument("--hole", type=Path, required=True, help="raster on its grid; not 0 where to paint")
    made.add_argument("--mask", type=Path, help="classes to paint, with the values of data.classes; unknown "
                      "everywhere when absent")  # fmt: skip
    made.add_argument("--run", type=Path, required=True, help="folder of a run, such as results/DATASET")
    made.add_argument("--generator", help="generator that has learned known pixels; the first when absent")
    made.add_argument("--seed", type=int, default=0, help="another one paints something else")
    made.add_argument("--out", type=Path, required=True, help="the GeoTIFF")
    made.add_argument(
        "--configfile", type=Path, nargs="+", action="extend", help="of the run, as given to snakemake"
    )
    return made


def check(image: SceneReader, hole: DatasetReader) -> None:
    """Make sure that a hole lies on the image's grid, and hides some of it and not all.

    Raises:
        InputError: it does not.
    """
    file = image.images[0]
    more = file.count - len(image.bands) - len(edited_copy.alpha(file))
    if more:
        found = f"has {more} bands more than the {len(image.bands)} that can be painted"
        raise InputError(file.name, found, "Leave the others out (gdal_translate -b)")
    if hole.count != 1:
        raise InputError(hole.name, f"has {hole.count} bands", "Give one band: not 0 where to paint")
    both = [image.images[0], hole]
    grid.compare_sizes(both)
    grid.crs(both, image.data.crs)
    grid.transform(both)
    hidden = sum(int(open_.sum()) for open_, _ in stripes(hole))
    if hidden == 0:
        raise InputError(hole.name, "is 0 everywhere: nothing is to be painted", "Set what to paint to 1")
    kept = sum(int((~open_ & image.read_image(part)[1]).sum()) for open_, part in stripes(hole))
    if kept == 0:
        found = "leaves no pixel with data to fit to"
        raise InputError(hole.name, found, "Set what to keep to 0; whole new images are the workflow's")


def stripes(hole: DatasetReader) -> Iterator[tuple[NDArray[np.bool_], Slice]]:
    """A hole some rows at a time, and where they are."""
    for row in range(0, hole.height, 512):
        part = Slice(0, row, hole.width, min(512, hole.height - row))
        yield opened(hole, part), part


def opened(hole: DatasetReader, part: Slice) -> NDArray[np.bool_]:
    """Where to paint in a part (h, w): neither 0 nor NaN."""
    values = hole.read(1, window=part)
    return np.asarray((values != 0) & ~np.isnan(values))


def warn(hole: DatasetReader, cell: int) -> None:
    """Say so if no part of a hole is as wide as a latent cell."""
    if all(thin(open_, cell) for open_, _ in stripes(hole) if open_.any()):
        print(
            f"warning: {hole.name}: the hole is nowhere as wide as a latent cell of {cell} pixels; what is "
            "painted there may look like what is beside it",
            file=sys.stderr,
        )


def fill(
    image: SceneReader, hole: DatasetReader, file: DatasetWriter, dataset: Statistics, paint: Paint, seed: int
) -> None:
    """Paint the hole of an image into its copy."""
    numbers = [band.number for band in image.bands]

    def look(window: Window) -> View:
        shown, valid = image.read_image_mirrored(window)
        mask = np.full(valid.shape, IGNORE, np.uint8) if image.labels is None else image.read(window)[2]
        part = inside(window, image.height, image.width)
        shown[:, : part.height, : part.width] = file.read(numbers, window=part)
        edge = ((0, window.height - part.height), (0, window.width - part.width))
        open_ = np.pad(opened(hole, part), edge)
        # What was painted holds data now, whatever was there before.
        return View(shown, valid | open_, mask, open_)

    parts = painted(image.height, image.width, dataset, look, paint, seed)
    for window, values, where in progress.shown(parts, "parts of the hole"):
        edited_copy.put(file, numbers, inside(window, image.height, image.width), values, where)


def inside(window: Window, height: int, width: int) -> Slice:
    """The part of a window that lies inside an image."""
    row, col, high, wide = window
    return Slice(col, row, min(wide, width - col), min(high, height - row))

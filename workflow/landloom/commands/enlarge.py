"""``landloom enlarge``: a finer image of a coarse one of any size, by a generator that learned to."""

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.transform import Affine
from rasterio.windows import Window as Slice

from landloom.commands.predict import fitting
from landloom.config.caption import Words
from landloom.data.samples import Meta
from landloom.diffusion import fine_mask
from landloom.diffusion.enlarging import Tell, enlarged, untold
from landloom.errors import InputError
from landloom.orchestration import image_generators
from landloom.orchestration.image_generators import ImageGenerator
from landloom.raster import edited_copy
from landloom.raster.class_map import Grid
from landloom.raster.reader import SceneReader
from landloom.runtime import command_line
from landloom.runtime.command_line import unmarked
from landloom.scenes.discovery import SceneFiles
from landloom.stages.scene_sample import speaker_of

PACKED = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}


def main(arguments: list[str]) -> int:
    """Write the fine image; returns 0."""
    given = parser().parse_args(arguments)
    if given.out.exists():
        raise InputError(given.out, "is there already", "Give another name, or remove it")
    command_line.require({"image": given.image, "mask": [given.mask] if given.mask else []})
    made = image_generators.find(given.run, given.configfile or [], given.generator, "low_resolution")
    factor, batch = int(made.conditions["low_resolution"]["factor"]), made.sampling.batch
    if given.factor not in (None, factor):
        found = f"{given.factor:g} is asked for, but {made.folder} has learned {factor}"
        raise InputError("--factor", found, "Leave it out, or train with another low_resolution.factor")
    files = SceneFiles(given.image[0].stem, tuple(given.image), None)
    with ExitStack() as stack:
        image = stack.enter_context(SceneReader(files, made.config.data))
        (out,) = stack.enter_context(command_line.atomic([given.out]))
        fitting(image, made.statistics)
        tell = told(stack, image, made, factor, given.mask, distance(image, made, factor, given.gsd))
        paint = made.load(batch)
        tags = {"LANDLOOM_SYNTHETIC": "yes", "LANDLOOM_PARENTS": " ".join(map(str, given.image))}
        tags |= {"LANDLOOM_MODEL": str(made.folder), "LANDLOOM_SEED": str(given.seed)}
        tags = image.images[0].tags() | tags
        with edited_copy.new(out, profile(image, factor), tags, PACKED) as file:
            masked = file.nodata is None and missing(image)
            rows = enlarged(
                image.height, image.width, factor, made.statistics, image.read_image_mirrored, paint,
                given.seed, batch, tell,
            )  # fmt: skip
            for row, values, valid in rows:
                shown, part = edited_copy.not_missing(values, file.nodata), Slice(0, row, *valid.shape[::-1])
                if file.nodata is not None:
                    shown = np.where(valid, shown, np.asarray(file.nodata, shown.dtype))
                file.write(shown, window=part)
                if masked:
                    file.write_mask(valid, window=part)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="landloom enlarge", description=unmarked(__doc__))
    made.add_argument("image", type=Path, nargs="+", help="coarse image, or files whose bands are stacked")
    made.add_argument("--run", type=Path, required=True, help="folder of a run, such as results/DATASET")
    made.add_argument("--generator", help="generator that has learned coarse images; the first when absent")
    made.add_argument("--factor", type=float, help="checked against the one that was learned")
    made.add_argument("--gsd", type=float, help="metres that a pixel of the fine image spans, for generators "
        "that learned metadata; when absent, as the coarse one's place has it")  # fmt: skip
    made.add_argument("--mask", type=Path, help="class indices on the fine grid, 255 where none is known, "
        "that the fine image shall show")  # fmt: skip
    made.add_argument("--seed", type=int, default=0, help="another one makes other details")
    made.add_argument("--out", type=Path, required=True, help="the GeoTIFF")
    made.add_argument(
        "--configfile", type=Path, nargs="+", action="extend", help="of the run, as given to snakemake"
    )
    return made


def told(
    stack: ExitStack, image: SceneReader, made: ImageGenerator, factor: int, mask: Path | None,
    meta: Meta | None,
) -> Tell:  # fmt: skip
    """What the generator is told of windows of the fine image, beside the coarse one.

    Raises:
        InputError: there is a mask, and it does not fit.
    """
    if mask is None:
        return untold(meta)
    fine = profile(image, factor)
    grid = Grid(fine["height"], fine["width"], fine["crs"], fine.get("transform", [])[:6] or None)
    words = Words(**made.config.caption.model_dump(include=set(Words.model_fields)))
    say = speaker_of(words, made.statistics.names)
    return fine_mask.teller(stack, mask, grid, made.statistics, say, meta)


def distance(image: SceneReader, made: ImageGenerator, factor: int, gsd: float | None) -> Meta | None:
    """The ground sampling distance of the fine image; None if it is not known, or not listened to.

    Raises:
        InputError: it is given to a generator that has not learned metadata, or is no distance.
    """
    if gsd is not None and not ("metadata" in made.conditions and gsd > 0):
        remedy = "Leave it out, or name a generator with image_train.metadata"
        raise InputError("--gsd", f"{gsd:g} means nothing to {made.folder}", remedy)
    if "metadata" not in made.conditions:
        return None
    middle = image.place(image.height / 2, image.width / 2)
    coarse = image.gsd(None if middle is None else middle[1])
    return Meta(gsd=gsd or (None if coarse is None else coarse / factor))


def profile(image: SceneReader, factor: int) -> Mapping[str, Any]:
    """Of the fine image: pixels ``factor`` times smaller from the same outer edge, and the same nodata."""
    made: dict[str, Any] = {
        "height": image.height * factor, "width": image.width * factor, "count": len(image.bands),
        "dtype": image.dtype.name, "crs": image.crs,
    }  # fmt: skip
    if image.transform is not None:
        made["transform"] = image.transform @ Affine.scale(1 / factor)
    fill = image.images[0].nodata if image.data.nodata is None else image.data.nodata
    if fill is None and image.dtype.kind == "f":
        fill = float("nan")
    return made | ({} if fill is None else {"nodata": fill})


def missing(image: SceneReader) -> bool:
    """Whether a mask or an alpha band says where there is no data."""
    return any(MaskFlags.all_valid not in flags for f in image.images for flags in f.mask_flag_enums)

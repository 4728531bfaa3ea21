"""Images of whole scenes: the windows of one canvas are sampled together, under a mask of any size."""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from landloom.config.caption import Words
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.run import DEFAULT, RunConfig
from landloom.config.scene_sample import SceneRequest, SceneSampleConfig
from landloom.data.canvas import Canvas
from landloom.data.samples import Meta
from landloom.data.scene import Scene
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.provenance import digests
from landloom.raster import cog
from landloom.raster.asked_scenes import fit
from landloom.raster.class_map import Grid
from landloom.raster.coarsened import Coarsened
from landloom.raster.mirrored import Mirrored, Raster
from landloom.raster.windows import Window
from landloom.runtime.command_line import How, In, Ins, Out, State
from landloom.runtime.importing import importing
from landloom.stages.image_sample import IMAGE_SEED

if TYPE_CHECKING:
    from landloom.diffusion.scene_images import SceneImages

VERSION = 1
MOST = 2.0
"""Times a scene may be made, by all of its shards together."""
ROOM = 2.5
"""Bytes of the finished files, and of those they are copied from, for each byte of their pixels at most."""


def run(
    config: SceneSampleConfig, images: ImageSampleConfig, words: Words, name: str, seed: int, statistics: In,
    mask: In, state: State, out: Out, labels: Out, base: In | None = None, controlnet: In | None = None,
    image: In | None = None, judge: In | None = None, part: int | None = None, parts: Ins | None = None,
    run: How = DEFAULT,
) -> None:  # fmt: skip
    """Write the image of one scene as a cloud-optimised GeoTIFF, and its mask beside it.

    ``mask`` holds class indices. ``image``, on the same grid, is what hints are taken from, and what the
    scene starts from where ``images`` says so. With ``part`` it is that shard of the scene alone, counted
    from 0; ``parts`` are all of them, in order, to be joined.

    Raises:
        InputError: mask and image do not fit each other or the dataset, the disk is too small, or shards are
            so narrow that each is made several times.
        Interrupted: told to stop; how far it has come is noted.
    """
    dataset, wanted = Statistics.load(statistics), config.scenes[name]
    own = world(wanted, name, seed)
    with ExitStack() as stack:
        shown, start = rasters(stack, mask, image, (dataset.bands, dataset.dtype), wanted.scale)
        require_start(images, name, start)
        grid = shown.grid
        canvas = Canvas(grid.height, grid.width, own, wanted.row, wanted.col, grid.crs, _list(grid.transform))
        meta = Meta(**wanted.metadata.model_dump())
        scene = Scene(name, canvas, shown, start, len(dataset.classes), speaker(wanted, dataset, words), meta)
        if parts:
            state.mkdir(parents=True, exist_ok=True)
            stripes = [stack.enter_context(Mirrored(p)) for p in parts]
            write(out, labels, joined(stripes), scene, range(grid.height), dataset, stripes[0].tags, state)
            return
        assert base is not None
        assert controlnet is not None
        rows = shard(grid.height, wanted.shards, part, name)
        for at in cog.stripes(grid):
            scene.labels(at)  # a wrong class is found before anything is sampled
        task = sampler(config, images, dataset, scene, base, controlnet, judge, run, state, own, rows)
        require_worth(task, wanted.shards, name)
        require_room(task, out.parent)
        pixels = task.run()
        read = reader(pixels)
        write(out, labels, read, scene, rows, dataset, tags(name, own, controlnet), state)
        task.state.drop()


def rasters(
    stack: ExitStack, mask: Path, image: Path | None, kind: tuple[int, str], scale: int
) -> tuple[Raster, Raster | None]:
    """Mask and image of a scene, open until the stack closes, at the level that is asked for.

    Raises:
        InputError: they do not fit each other, the dataset's number and type of bands, or the scale.
    """
    shown: Raster = stack.enter_context(Mirrored(mask))
    start: Raster | None = stack.enter_context(Mirrored(image)) if image is not None else None
    fit(shown, start, kind)
    if scale == 1:
        return shown, start
    return Coarsened(shown, scale, labels=True), start and Coarsened(start, scale, labels=False)


def shard(height: int, shards: int, part: int | None, name: str) -> range:
    """Rows of one of the shards of a scene; all of them if none is named.

    Raises:
        InputError: the scene has fewer rows than shards.
    """
    if shards > height:
        remedy = f"Set scene_sample.scenes.{name}.shards to {height} or less"
        raise InputError(name, f"has {height} rows, and shall be made in {shards} shards", remedy)
    if part is None:
        return range(height)
    return range(part * height // shards, (part + 1) * height // shards)


def require_worth(task: "SceneImages", shards: int, name: str) -> None:
    """Say how many rows are made for those of a shard, and refuse too many.

    Raises:
        InputError: they are more than ``MOST`` times as many.
    """
    times = task.lattice.canvas.height / len(task.rows)
    if len(task.rows) == task.scene.canvas.height:
        return
    print(f"{len(task.rows)} rows; {task.lattice.canvas.height} are made for them, {times:.1f} times as many")
    if times > MOST:
        found = (
            f"each of its {shards} shards is {len(task.rows)} rows, and {times:.1f} times as many are made"
        )
        remedy = f"Use fewer shards or averagings, at most {MOST:g} times are allowed"
        raise InputError(f"scene_sample.scenes.{name}.shards", found, remedy)


def reader(pixels: NDArray[Any]) -> Callable[[Window], NDArray[Any]]:
    """What gives the pixels (C, h, w) of stripes of an array."""
    return lambda at: pixels[:, at.row : at.row + at.height]


def joined(parts: Sequence[Mirrored]) -> Callable[[Window], NDArray[Any]]:
    """What gives the pixels (C, h, w) of stripes of a scene whose parts lie one below the other."""
    ends = np.cumsum([p.grid.height for p in parts])

    def read(at: Window) -> NDArray[Any]:
        found = []
        for one, end in zip(parts, ends.tolist(), strict=True):
            first, last = max(at.row, end - one.grid.height), min(at.row + at.height, end)
            if first < last:
                inside = at._replace(row=first - end + one.grid.height, height=last - first)
                found.append(one.read(inside))
        return np.concatenate(found, 1)

    return read


def write(
    out: Path, labels: Path, pixels: Callable[[Window], NDArray[Any]], scene: Scene, rows: range,
    dataset: Statistics, about: Mapping[str, str], work: Path,
) -> None:  # fmt: skip
    """Write some rows of a scene: its pixels, and its mask."""
    here = scene.canvas.at(
        Window(scene.canvas.row + rows.start, scene.canvas.col, len(rows), scene.canvas.width)
    )
    grid = Grid(here.height, here.width, here.crs, here.transform)
    cog.write(out, pixels, grid, about, work)
    classes = {f"CATEGORY_{i}": n for i, n in enumerate(dataset.names)}

    def shown(at: Window) -> NDArray[np.uint8]:
        return scene.labels(at._replace(row=at.row + rows.start))[None]

    cog.write(labels, shown, grid, dict(about) | classes, work, dataset.colors)


def world(wanted: SceneRequest, name: str, seed: int) -> int:
    """Seed of a scene's world."""
    drawn = int(hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()[:8], 16)
    return drawn if wanted.seed is None else wanted.seed


def speaker(wanted: SceneRequest, dataset: Statistics, words: Words) -> Callable[[Sequence[float]], str]:
    """Gives the words for a window of a class mix: the scene's own, or those of the template."""
    if wanted.caption is not None:
        said = wanted.caption
        return lambda ratios: said
    return speaker_of(words, dataset.names)


def speaker_of(words: Words, names: Sequence[str]) -> Callable[[Sequence[float]], str]:
    """Gives the words of the template for a class mix."""
    with importing():
        from landloom.conditions.words import image_caption
    return lambda ratios: image_caption(ratios, names, words)


def require_start(images: ImageSampleConfig, name: str, image: Raster | None) -> None:
    """Make sure that there is an image where a scene starts from one.

    Raises:
        InputError: there is none.
    """
    if image is None and images.collage.strength < 1:
        found = f"is {images.collage.strength:g}, but scene '{name}' has no image to start from"
        remedy = f"Give scene_sample.scenes.{name}.image, or set it to 1"
        raise InputError("image_sample.collage.strength", found, remedy)


def sampler(
    config: SceneSampleConfig, images: ImageSampleConfig, dataset: Statistics, scene: Scene, base: Path,
    control: Path, judge: Path | None, how: RunConfig, state: Path, seed: int, rows: range,
) -> "SceneImages":  # fmt: skip
    """The generator, ready to go on from where the state says."""
    with importing():
        from landloom.diffusion.images import DiffusionImages
        from landloom.diffusion.scene_images import SceneImages
    steers = None
    if judge is not None and images.feedback.weight:
        with importing():
            from landloom.segmentation import networks
        steers = networks.load(judge / "model")
    made = DiffusionImages(images, dataset, base, control, steers)
    return SceneImages(made, scene, config, how, state, seed ^ IMAGE_SEED, rows)


def require_room(task: "SceneImages", folder: Path) -> None:
    """Make sure that what a scene takes while it is made fits the disk.

    Raises:
        InputError: it does not.
    """
    there = sum(f.stat().st_size for f in task.state.folder.glob("*") if f.is_file())
    for place, bytes_ in ((task.state.folder, task.bytes - there), (folder, 0)):
        wanted, free = bytes_ + ROOM * task.pixel_bytes, shutil.disk_usage(place).free
        if free < wanted:
            found = f"{free / 1e9:.2f} GB are free, and the scene needs {wanted / 1e9:.2f}"
            raise InputError(place, found, "Make room, or ask for a smaller scene")


def tags(name: str, seed: int, model: Path) -> dict[str, str]:
    """What the files say of themselves."""
    return {
        "synthetic": "true",
        "LANDLOOM_SYNTHETIC": "yes",
        "LANDLOOM_SCENE": name,
        "LANDLOOM_SEED": str(seed),
        "LANDLOOM_MODEL": digests.remembered(model),
        "TIFFTAG_IMAGEDESCRIPTION": "Synthetic, made by Landloom; no pixel is an observation of the Earth",
    }


def _list(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else list(values)

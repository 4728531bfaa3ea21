"""Images of whole scenes: the windows of one canvas are sampled together, under a mask of any size."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

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
from landloom.raster.mirrored import Mirrored
from landloom.runtime.command_line import How, In, Out, State
from landloom.runtime.importing import importing
from landloom.stages.image_sample import IMAGE_SEED

if TYPE_CHECKING:
    from landloom.diffusion.scene_images import SceneImages

VERSION = 1
ROOM = 2.5
"""Bytes of the finished files, and of those they are copied from, for each byte of their pixels at most."""


def run(
    config: SceneSampleConfig, images: ImageSampleConfig, words: Words, name: str, seed: int, statistics: In,
    base: In, controlnet: In, mask: In, state: State, out: Out, labels: Out, image: In | None = None,
    judge: In | None = None, run: How = DEFAULT,
) -> None:  # fmt: skip
    """Write the image of one scene as a cloud-optimised GeoTIFF, and its mask beside it.

    ``mask`` holds class indices. ``image``, on the same grid, is what hints are taken from, and what the
    scene starts from where ``images`` says so.

    Raises:
        InputError: mask and image do not fit each other or the dataset, or the disk is too small.
        Interrupted: told to stop; how far it has come is noted.
    """
    dataset, wanted = Statistics.load(statistics), config.scenes[name]
    own = world(wanted, name, seed)
    with ExitStack() as stack:
        shown = stack.enter_context(Mirrored(mask))
        start = stack.enter_context(Mirrored(image)) if image is not None else None
        fit(dataset, images, name, shown, start)
        grid = shown.grid
        canvas = Canvas(grid.height, grid.width, own, wanted.row, wanted.col, grid.crs, _list(grid.transform))
        meta = Meta(**wanted.metadata.model_dump())
        scene = Scene(name, canvas, shown, start, len(dataset.classes), speaker(wanted, dataset, words), meta)
        for at in cog.stripes(grid):
            scene.labels(at)  # a wrong class is found before anything is sampled
        task = sampler(config, images, dataset, scene, base, controlnet, judge, run, state, own)
        require_room(task, out.parent)
        pixels, about = task.run(), tags(name, own, controlnet)
        cog.write(out, lambda at: pixels[:, at.row : at.row + at.height], grid, about, state)
        about |= {f"CATEGORY_{i}": n for i, n in enumerate(dataset.names)}
        cog.write(labels, lambda at: scene.labels(at)[None], grid, about, state, dataset.colors)
        task.state.drop()


def world(wanted: SceneRequest, name: str, seed: int) -> int:
    """Seed of a scene's world."""
    drawn = int(hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()[:8], 16)
    return drawn if wanted.seed is None else wanted.seed


def speaker(wanted: SceneRequest, dataset: Statistics, words: Words) -> Callable[[Sequence[float]], str]:
    """Gives the words for a window of a class mix: the scene's own, or those of the template."""
    if wanted.caption is not None:
        said = wanted.caption
        return lambda ratios: said
    with importing():
        from landloom.conditions.words import image_caption
    return lambda ratios: image_caption(ratios, dataset.names, words)


def fit(
    dataset: Statistics, images: ImageSampleConfig, name: str, mask: Mirrored, image: Mirrored | None
) -> None:
    """Make sure that a scene's rasters fit each other and the dataset.

    Raises:
        InputError: they do not.
    """
    if mask.bands != 1:
        raise InputError(mask.path, f"has {mask.bands} bands, a mask has one", "Give class indices")
    if image is None:
        if images.collage.strength < 1:
            found = f"is {images.collage.strength:g}, but scene '{name}' has no image to start from"
            remedy = f"Give scene_sample.scenes.{name}.image, or set it to 1"
            raise InputError("image_sample.collage.strength", found, remedy)
        return
    if image.grid[:2] != mask.grid[:2]:
        found = f"{image.grid.width} x {image.grid.height} pixels, but {mask.path} has "
        found += f"{mask.grid.width} x {mask.grid.height}"
        raise InputError(f"{image.path}, size", found, "Give rasters on one grid (gdalwarp -te ... -ts ...)")
    if (image.bands, image.dtype.name) != (dataset.bands, dataset.dtype):
        found = f"{image.bands} bands of {image.dtype.name}, "
        found += f"the dataset has {dataset.bands} of {dataset.dtype}"
        raise InputError(image.path, found, "Give an image like those of the dataset")


def sampler(
    config: SceneSampleConfig, images: ImageSampleConfig, dataset: Statistics, scene: Scene, base: Path,
    control: Path, judge: Path | None, how: RunConfig, state: Path, seed: int,
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
    return SceneImages(made, scene, config, how, state, seed ^ IMAGE_SEED)


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

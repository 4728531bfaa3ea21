"""Rasters of scenes that are to be made: are masks, images and class shares what can be worked with?"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landloom.config.scene_mask import SceneMaskConfig
from landloom.config.scene_sample import SceneRequest, SceneSampleConfig
from landloom.errors import InputError
from landloom.raster import block_shares, cog
from landloom.raster.class_map import Grid
from landloom.raster.coarsened import require_whole
from landloom.raster.labels import IGNORE
from landloom.raster.mirrored import Mirrored, Raster
from landloom.raster.windows import Window


def problems(
    drawn: SceneMaskConfig, asked: SceneSampleConfig, names: Sequence[str], side: int,
    kind: tuple[int, str] | None, folder: Path,
) -> list[InputError]:  # fmt: skip
    """What is wrong with what a user gives of scenes.

    Args:
        drawn: masks that are to be made.
        asked: images that are to be made.
        names: of the classes.
        side: of a tile in pixels.
        kind: number and numpy type of the dataset's bands; None if they are not known.
        folder: where results will lie.
    """
    tries: list[Callable[[], object]] = []
    for wanted in drawn.scenes.values():
        if isinstance(wanted.ratios, str):
            grid = Grid(wanted.height, wanted.width, wanted.crs, wanted.transform)
            tries.append(partial(block_shares.read, Path(wanted.ratios), grid, names, side))
    tries += [partial(_looked, scene, len(names), kind) for scene in asked.scenes.values()]
    sizes = {n: (w.height, w.width) for n, w in drawn.scenes.items()}
    coarse = {n: s.scale for n, s in asked.scenes.items() if s.mask is None and n in sizes}
    tries += [partial(require_whole, f"scene_mask.scenes.{n}", sizes[n], s) for n, s in coarse.items()]
    if kind is not None:
        tries.append(partial(require_room, sizes, kind, folder))
    return list(_failed(tries))


def _failed(tries: Sequence[Callable[[], object]]) -> Iterator[InputError]:
    for one in tries:
        try:
            one()
        except InputError as error:
            yield error


def _looked(scene: SceneRequest, classes: int, kind: tuple[int, str] | None) -> None:
    """Open what a scene names, and read all of its mask."""
    if scene.mask is None:
        return
    with ExitStack() as stack:
        mask = stack.enter_context(Mirrored(Path(scene.mask)))
        image = stack.enter_context(Mirrored(Path(scene.image))) if scene.image else None
        fit(mask, image, kind)
        require_whole(str(mask.path), (mask.grid.height, mask.grid.width), scene.scale)
        for at in cog.stripes(mask.grid):
            indices(mask, at, classes)


def fit(mask: Raster, image: Raster | None, kind: tuple[int, str] | None) -> None:
    """Make sure that a scene's rasters fit each other, and the dataset's number and type of bands.

    Raises:
        InputError: they do not.
    """
    if mask.bands != 1:
        raise InputError(mask.path, f"has {mask.bands} bands, a mask has one", "Give class indices")
    if image is None:
        return
    if image.grid[:2] != mask.grid[:2]:
        found = f"{image.grid.width} x {image.grid.height} pixels, but {mask.path} has "
        found += f"{mask.grid.width} x {mask.grid.height}"
        raise InputError(f"{image.path}, size", found, "Give rasters on one grid (gdalwarp -te ... -ts ...)")
    own = image.bands, image.dtype.name
    if kind is not None and own != kind:
        found = f"{own[0]} bands of {own[1]}, the dataset has {kind[0]} of {kind[1]}"
        raise InputError(image.path, found, "Give an image like those of the dataset")


def indices(mask: Raster, at: Window, classes: int) -> NDArray[np.uint8]:
    """Class indices (H, W) of a window of a mask.

    Raises:
        InputError: one of them is no class.
    """
    found = mask.read(at)[0]
    wrong = (found >= classes) & (found != IGNORE)
    if wrong.any():
        text = f"holds {int(found[wrong].max())}, but there are {classes} classes, counted from 0"
        raise InputError(mask.path, text, f"Give class indices, and {IGNORE} where none is known")
    return found.astype(np.uint8)


def require_room(sizes: dict[str, tuple[int, int]], kind: tuple[int, str], folder: Path) -> None:
    """Make sure that the largest mask and its image fit the disk: raw, and as the files they are copied to.

    Raises:
        InputError: they do not.
    """
    free, each = shutil.disk_usage(folder).free, 1 + kind[0] * np.dtype(kind[1]).itemsize
    for name, (height, width) in sizes.items():
        if (wanted := 2 * height * width * each) > free:
            found = f"a scene of {height} x {width} pixels needs {wanted / 1e9:.1f} GB while it is made, "
            found += f"{free / 1e9:.1f} are free in {folder}"
            raise InputError(f"scene_mask.scenes.{name}", found, "Make room, or ask for a smaller scene")

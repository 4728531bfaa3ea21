"""The mask of an image that is made finer: it lies on the finer grid, and says what is to be seen there."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from rasterio.crs import CRS
from rasterio.transform import Affine

from landloom.data.canvas import Canvas
from landloom.data.samples import Meta
from landloom.data.scene import Scene
from landloom.data.statistics import Statistics
from landloom.diffusion.enlarging import Tell
from landloom.errors import InputError
from landloom.raster import asked_scenes, cog, grid
from landloom.raster.class_map import Grid
from landloom.raster.mirrored import Mirrored


def teller(
    stack: ExitStack, mask: Path, wanted: Grid, dataset: Statistics,
    caption: Callable[[Sequence[float]], str], meta: Meta | None,
) -> Tell:  # fmt: skip
    """Gives what a mask says of a window: its classes, and words for their mix.

    Args:
        stack: keeps the mask open.
        mask: raster of class indices; 255 where none is known.
        wanted: the finer grid.
        dataset: statistics of the tiles that the generator learned from.
        caption: words for given class shares (K,).
        meta: what is told of all windows.

    Raises:
        InputError: the mask does not lie on the grid, or holds what is no class.
    """
    shown, classes = stack.enter_context(Mirrored(mask)), len(dataset.classes)
    asked_scenes.fit(shown, None, None)
    require_grid(shown, wanted)
    for at in cog.stripes(shown.grid):
        asked_scenes.indices(shown, at, classes)
    canvas = Canvas(wanted.height, wanted.width, seed=0)  # without a place: meta says what is to be told
    return Scene("", canvas, shown, None, classes, caption, meta).sample


def require_grid(mask: Mirrored, wanted: Grid) -> None:
    """Make sure that a mask has the size of a grid, and its place if both have one.

    Raises:
        InputError: it has not.
    """
    found, own = mask.grid, (wanted.height, wanted.width)
    remedy = "Give the mask of the finer image (gdalwarp -te ... -ts ... -r near)"
    if found[:2] != own:
        said = f"{found.width} x {found.height} pixels, and the finer image has {own[1]} x {own[0]}"
        raise InputError(f"{mask.path}, size", said, remedy)
    if found.transform is None or wanted.transform is None:
        return
    if found.crs and wanted.crs and CRS.from_user_input(found.crs) != CRS.from_user_input(wanted.crs):
        said = f"{found.crs}, and the finer image has {wanted.crs}"
        raise InputError(f"{mask.path}, CRS", said, "Reproject it (gdalwarp -t_srs ... -r near)")
    here, there = Affine(*wanted.transform), Affine(*found.transform)
    if (apart := grid.shift(here, there, wanted.width, wanted.height)) > grid.SHIFT:
        said = f"its corners lie {apart:.3g} pixels away from those of the finer image"
        raise InputError(f"{mask.path}, transform", said, remedy)

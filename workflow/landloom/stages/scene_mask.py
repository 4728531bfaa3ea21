"""Masks of whole scenes with the class mix that is asked for, quilted from train tiles, and their images."""

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from landloom.config.scene_mask import MaskRequest, SceneMaskConfig
from landloom.data import samples
from landloom.data.lattice import Lattice
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.metrics.proportions import cpe, mcpe
from landloom.raster import block_shares, cog
from landloom.raster.class_map import Grid
from landloom.raster.labels import IGNORE
from landloom.ratio_control import blocks
from landloom.runtime import progress
from landloom.runtime.command_line import In, Ins, Out
from landloom.runtime.importing import importing

if TYPE_CHECKING:
    from landloom.copy_paste.maps import Maps

VERSION = 2


def run(
    config: SceneMaskConfig, name: str, seed: int, statistics: In, tiles: Ins, out: Out, image: Out,
    ratios: In | None = None,
) -> None:  # fmt: skip
    """Write the mask of one scene and the image of its pieces, as cloud-optimised GeoTIFF.

    ``ratios`` is the file with the shares of each block, if there is one.

    Raises:
        InputError: the shares of blocks do not fit the scene, or a class is asked for that no train tile has.
    """
    dataset, wanted = Statistics.load(statistics), config.scenes[name]
    own = world(wanted, name, seed)
    grid = Grid(wanted.height, wanted.width, wanted.crs, wanted.transform)
    targets = asked(dataset, wanted, tiles, grid, ratios, own)
    with importing():
        from landloom.copy_paste.maps import Maps
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        work = Path(folder)
        mask = np.lib.format.open_memmap(work / "mask.npy", "w+", np.uint8, (1, *grid[:2]))
        shape = (dataset.bands, *grid[:2])
        pixels = np.lib.format.open_memmap(work / "image.npy", "w+", np.dtype(dataset.dtype), shape)
        lay(dataset, Maps.of(dataset, tiles), targets, own, mask[0], pixels)
        about = tags(name, own) | found(mask[0], targets, dataset.size)
        cog.write(image, lambda at: pixels[:, at.row : at.row + at.height], grid, about, work)
        about |= {f"CATEGORY_{i}": n for i, n in enumerate(dataset.names)}
        cog.write(out, lambda at: mask[:, at.row : at.row + at.height], grid, about, work, dataset.colors)


def world(wanted: MaskRequest, name: str, seed: int) -> int:
    """Seed of a scene."""
    drawn = int(hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()[:8], 16)
    return drawn if wanted.seed is None else wanted.seed


def asked(
    dataset: Statistics, wanted: MaskRequest, tiles: Sequence[Path], grid: Grid, file: Path | None, seed: int
) -> NDArray[np.float64]:
    """Class shares (R, C, K) of each block.

    Raises:
        InputError: they do not fit the scene, or name a class that no train tile has.
    """
    real, reach = mixes(tiles, dataset.size)
    if file is not None:
        shares = block_shares.read(file, grid, dataset.names, dataset.size)
    else:
        given = wanted.ratios if isinstance(wanted.ratios, dict) else None
        mean = real.mean(0) if given is None else np.array([given.get(n, 0.0) for n in dataset.names])
        pixels = blocks.pixels(grid.height, grid.width, dataset.size)
        shares = blocks.spread(mean / mean.sum(), real, pixels, reach, np.random.default_rng(seed))
    where = str(file) if file is not None else "scene_mask.scenes.*.ratios"
    require_known(shares.reshape(-1, shares.shape[2]).max(0), real, dataset.names, where)
    return shares


def mixes(tiles: Sequence[Path], side: int) -> tuple[NDArray[np.float64], float]:
    """Class shares (N, K) of the train tiles, and how far they reach, in tiles: see ``blocks.reach``."""
    table = samples.columns(tiles, ["split", "scene", "row", "col", "ratios"])
    train = [i for i, split in enumerate(table["split"]) if split == "train"]
    real = np.array([table["ratios"][i] for i in train], np.float64)
    real /= real.sum(1, keepdims=True)
    places = np.array([(table["row"][i], table["col"][i]) for i in train])
    return real, blocks.reach([table["scene"][i] for i in train], places, real, side)


def require_known(
    shares: NDArray[np.float64], real: NDArray[np.float64], names: Sequence[str], where: str
) -> None:
    """Make sure that train tiles (N, K) hold all classes of which there shall be some (K,).

    Raises:
        InputError: one is nowhere.
    """
    never = (shares > 0) & (real == 0).all(0)
    if never.any():
        lacking = ", ".join(n for n, is_never in zip(names, never, strict=True) if is_never)
        raise InputError(where, f"no train tile holds {lacking}", "Ask for classes that there are")


def lay(
    dataset: Statistics, maps: "Maps", targets: NDArray[np.float64], seed: int, mask: NDArray[np.uint8],
    image: NDArray[np.generic],
) -> None:  # fmt: skip
    """Lay patches, and write mask (H, W) and image (C, H, W) row by row."""
    with importing():
        from landloom.copy_paste.patches import Patches
        from landloom.copy_paste.scene_images import SceneImages
        from landloom.copy_paste.scene_quilting import quilted
    lattice = Lattice(mask.shape[0], mask.shape[1], dataset.size)
    patches = Patches(maps, lattice.margin)
    images = SceneImages(dataset, maps, lattice, range(lattice.rows), range(lattice.cols))
    rows = quilted(patches, lattice, targets, seed)
    for laid in progress.shown(rows, "rows of patches", lattice.rows, 1):
        images.lay(laid.patches)
        shown, gaps = images.finished(laid.end)
        here = slice(laid.top, laid.top + len(laid.mask))
        mask[here], image[:, here] = np.where(gaps, np.uint8(IGNORE), laid.mask), shown


def found(mask: NDArray[np.uint8], targets: NDArray[np.float64], side: int) -> dict[str, str]:
    """Error of the class shares in points, of the whole and as a mean over blocks; printed, too."""
    counts = np.zeros(targets.shape)
    for row, col in np.ndindex(*targets.shape[:2]):
        block = mask[row * side : (row + 1) * side, col * side : (col + 1) * side]
        counts[row, col] = np.bincount(block.ravel(), minlength=256)[: targets.shape[2]]
    pixels = blocks.pixels(mask.shape[0], mask.shape[1], side)
    wanted = np.average(targets.reshape(-1, targets.shape[2]), axis=0, weights=pixels.ravel())
    whole = counts.sum((0, 1)) / max(counts.sum(), 1)
    each = (counts / np.maximum(counts.sum(2, keepdims=True), 1)).reshape(-1, targets.shape[2])
    errors = mcpe(cpe(whole[None], wanted[None])), mcpe(cpe(each, targets.reshape(each.shape)))
    print(f"class shares are off by {errors[0]:.2f} points in the scene, {errors[1]:.2f} in a block")
    return {"LANDLOOM_MCPE": f"{errors[0]:.3f}", "LANDLOOM_MCPE_BLOCKS": f"{errors[1]:.3f}"}


def tags(name: str, seed: int) -> dict[str, str]:
    """What the files say of themselves."""
    return {
        "synthetic": "true",
        "LANDLOOM_SYNTHETIC": "yes",
        "LANDLOOM_SCENE": name,
        "LANDLOOM_SEED": str(seed),
        "TIFFTAG_IMAGEDESCRIPTION": "Made by Landloom from pieces of real tiles; not a map of any place",
    }

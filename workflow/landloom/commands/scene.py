"""``landloom scene``: any part of an endless synthetic world, mask and image, from a finished run.

Parts of one world (equal --crs, --gsd, --seed, --ratios and --averagings) that overlap agree there, byte for
byte on one kind of machine. What lies around a part is made, too, as far as it can be felt; how much that is
gets printed.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.windows import Window as Slice

from landloom.commands.generate import paths, present, share, single
from landloom.config.caption import Words
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.plan import check_row
from landloom.config.scene_sample import SceneRequest, SceneSampleConfig
from landloom.copy_paste.endless import Mixes, World
from landloom.copy_paste.maps import Maps
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.orchestration import config_files
from landloom.orchestration.dag import Dag
from landloom.raster import cog
from landloom.raster.class_map import Grid
from landloom.raster.windows import Window
from landloom.runtime import command_line
from landloom.runtime.command_line import unmarked
from landloom.stages import scene_mask, scene_sample

ON_GRID = 1e-6
"""Share of a pixel by which bounds may lie beside the grid."""
NAME = "part"


def main(arguments: list[str]) -> int:
    """Write the folder; returns 0."""
    given = parser().parse_args(arguments)
    dag = Dag(config_files.read(given.configfile or [Path("config/config.yaml")]))
    name = painting(dag, given.generator)
    if given.out.exists():
        raise InputError(given.out, "is there already", "Give another name, or remove it")
    part = pixels(given.bounds, given.gsd)
    root = Path("results") / dag.config.dataset
    tiles = [root / f"tiles/{p}.parquet" for p in dag.parts]
    present([root / "statistics.json", *tiles])
    dataset = Statistics.load(root / "statistics.json")
    made = world(dataset, tiles, given.seed, given.ratios)
    images = cast(ImageSampleConfig, dag.config.section("image_sample", name))
    asked = averaged(dag.config.scene_sample, images, given.averagings)
    whole = made.around(grown(part, reach(dataset.size, asked)))
    cost = whole.height * whole.width / (part.height * part.width)
    sides = f"{part.width} x {part.height} pixels; made for them: {whole.width} x {whole.height}"
    print(f"{sides}, {cost:.1f} times as many")
    with (
        command_line.atomic([given.out]) as (out,),
        tempfile.TemporaryDirectory(dir=given.out.parent) as work,
    ):
        out.mkdir()
        folder = Path(work)
        around = grid(whole, given.gsd, crs(given.crs))
        lay(made, whole, around, folder)
        sample(dag, name, asked, images, whole, given.seed, folder)
        cut(folder, out, part, whole, grid(part, given.gsd, around.crs), dataset)
    print(f"{given.out}: image.tif and mask.tif")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    shown = argparse.ArgumentParser(
        prog="landloom scene",
        description=unmarked(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = shown.add_argument
    add("--bounds", nargs=4, type=float, required=True, metavar=("WEST", "SOUTH", "EAST", "NORTH"),
        help="on the map; whole pixels, counted from its origin")  # fmt: skip
    add("--crs", required=True, help="coordinate system of the map in metres, such as EPSG:32640")
    add("--gsd", type=float, required=True, help="side of a pixel on the map; that of the run's images, as a "
        "rule")  # fmt: skip
    add("--seed", type=int, default=0, help="another one is another world")
    add("--ratios", nargs="+", default=[], metavar="CLASS=SHARE", help="mean mix of the world; classes left "
        "out are zero; that of the train tiles when absent")  # fmt: skip
    add("--averagings", type=int, help="how often windows are averaged: each lets a pixel feel what is "
        "farther; 1 when absent, or that of scene_sample if it is a number")  # fmt: skip
    add("--generator", help="generator of the run; its first one when absent")
    add("--out", type=Path, required=True, help="folder of image.tif and mask.tif; must not be there yet")
    add("--configfile", type=Path, nargs="+", action="extend", help="of the run, as given to snakemake")
    return shown


def painting(dag: Dag, name: str | None) -> str:
    """A generator whose images come from a ControlNet.

    Raises:
        InputError: this one's do not, or it is none.
    """
    name = name or dag.generators[0]
    if name not in dag.generators:
        raise InputError("--generator", f"'{name}' is none", f"Take one of {', '.join(dag.generators)}")
    if dag.trained.translates(name) or not dag.trained.samples("image_sample", name):
        raise InputError("--generator", f"the images of '{name}' come from no ControlNet", "Name another")
    return name


def pixels(bounds: Sequence[float], gsd: float) -> Window:
    """The part as global rows and columns, downwards and to the right from the origin of the map.

    Raises:
        InputError: bounds are empty or between pixels.
    """
    if gsd <= 0:
        raise InputError("--gsd", f"{gsd:g} is not a length", "Give metres above 0")
    west, south, east, north = (b / gsd for b in bounds)
    if east <= west or north <= south:
        raise InputError("--bounds", "hold nothing", "Give west, south, east and north in this order")
    for name, value in {"west": west, "south": south, "east": east, "north": north}.items():
        if abs(value - round(value)) > ON_GRID:
            found = f"{name} is {value * gsd:g}, {value - np.floor(value):.2f} of a pixel beside the grid"
            raise InputError("--bounds", found, f"Give multiples of {gsd:g}, such as {round(value) * gsd:g}")
    left, bottom, right, top = (round(v) for v in (west, south, east, north))
    return Window(-top, left, top - bottom, right - left)


def crs(text: str) -> str:
    """A coordinate system as WKT.

    Raises:
        InputError: there is no such system, or it is one of degrees.
    """
    try:
        found = CRS.from_user_input(text)
    except CRSError as error:
        raise InputError("--crs", f"'{text}': {error}", "Write it like EPSG:32640") from None
    if not found.is_projected:
        raise InputError("--crs", f"'{text}' is not in metres", "Give a projected one, such as that of UTM")
    return str(found.to_wkt())


def world(dataset: Statistics, tiles: Sequence[Path], seed: int, ratios: Sequence[str]) -> World:
    """The world of a seed and a mean mix.

    Raises:
        InputError: the mix is none, or names a class that no train tile holds.
    """
    real, far = scene_mask.mixes(tiles, dataset.size)
    mean = mix(ratios, dataset.names, real.mean(0))
    scene_mask.require_known(mean, real, dataset.names, "--ratios")
    maps = Maps.of(dataset, tiles)
    cells = far * dataset.size / World(dataset, maps, Mixes(seed, real, mean, 0, mean)).cell
    return World(dataset, maps, Mixes.of(seed, real, mean, cells))


def mix(words: Sequence[str], names: Sequence[str], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Class shares (K,) of words such as 'water=0.3'; the usual ones without any.

    Raises:
        InputError: a word has another name, or they do not sum to one.
    """
    if not words:
        return usual / usual.sum()
    given = dict(w.rpartition("=")[::2] for w in words)
    if wrong := sorted(set(given) - set(names)):
        raise InputError("--ratios", f"no class is called {', '.join(wrong)}", f"Use {', '.join(names)}")
    row = {n: share("--ratios", v) for n, v in given.items()}
    try:
        check_row(row, False)
    except ValueError as error:
        raise InputError("--ratios", str(error), "Name all classes there shall be") from None
    found = np.array([row.get(n, 0.0) for n in names])
    return found / found.sum()


def averaged(config: SceneSampleConfig, images: ImageSampleConfig, wanted: int | None) -> SceneSampleConfig:
    """How windows become one: as the run says, but not at every step, which nothing without end allows."""
    usual = config.averagings if config.averagings != "all" else 1
    count = min(wanted or usual, images.steps)
    if wanted is not None and wanted < 1:
        raise InputError("--averagings", f"is {wanted}", "Give 1 or more")
    return config.model_copy(update={"averagings": count, "scenes": {}})


def reach(size: int, config: SceneSampleConfig) -> int:
    """Pixels beyond a part that can be felt in it.

    At most a window for what is cut at the edge, one for each averaging, and one for the decoder.
    """
    assert config.averagings != "all"
    return size * (config.averagings + 2)


def grown(part: Window, margin: int) -> Window:
    """A part with a margin on all sides."""
    size = part.height + 2 * margin, part.width + 2 * margin
    return Window(part.row - margin, part.col - margin, *size)


def grid(part: Window, gsd: float, crs: str | None) -> Grid:
    """Where a part lies on the map."""
    return Grid(part.height, part.width, crs, [gsd, 0.0, part.col * gsd, 0.0, -gsd, -part.row * gsd])


def lay(made: World, whole: Window, around: Grid, folder: Path) -> None:
    """Write mask and image of a part of the world, as the sampler reads them."""
    dataset, shape = made.dataset, (whole.height, whole.width)
    mask = np.lib.format.open_memmap(folder / "mask.npy", "w+", np.uint8, (1, *shape))
    kind = np.dtype(dataset.dtype)
    image = np.lib.format.open_memmap(folder / "image.npy", "w+", kind, (dataset.bands, *shape))
    for row, labels, shown in made.lay(whole):
        here = slice(row, row + len(labels))
        mask[0, here], image[:, here] = labels, shown
    for name, pixels in (("mask", mask), ("image", image)):
        colors = dataset.colors if name == "mask" else ()
        cog.write(folder / f"{name}.tif", scene_sample.reader(pixels), around, {}, folder, colors)


def sample(
    dag: Dag, name: str, config: SceneSampleConfig, images: ImageSampleConfig, whole: Window, seed: int,
    folder: Path,
) -> None:  # fmt: skip
    """Make the image of the part, as the stage ``scene_sample`` does."""
    where = SimpleNamespace(
        dataset=dag.config.dataset, generator=name, get={"dataset": dag.config.dataset}.get
    )
    models = single(paths(dag.trained.image_models(where)))
    models.pop("tiles", None)
    present([p for p in models.values() if isinstance(p, Path)])
    request = SceneRequest(mask="mask.tif", image="image.tif", row=whole.row, col=whole.col, seed=seed)
    words = Words(**dag.config.caption.model_dump(include=set(Words.model_fields)))
    state = folder / "state"
    state.mkdir()
    scene_sample.run(
        config.model_copy(update={"scenes": {NAME: request}}), images, words, NAME, seed,
        Path("results") / dag.config.dataset / "statistics.json", mask=folder / "mask.tif",
        image=folder / "image.tif", state=state, out=folder / "made.tif", labels=folder / "labels.tif",
        **models,
    )  # fmt: skip


def cut(folder: Path, out: Path, part: Window, whole: Window, place: Grid, dataset: Statistics) -> None:
    """Write what was asked for of what was made."""
    row, col = part.row - whole.row, part.col - whole.col
    for made, name, colors in (("made", "image", ()), ("labels", "mask", dataset.colors)):
        with rasterio.open(folder / f"{made}.tif") as file:

            def read(at: Window, file: rasterio.DatasetReader = file) -> NDArray[np.generic]:
                inside = Slice(col + at.col, row + at.row, at.width, at.height)
                return np.asarray(file.read(window=inside))

            cog.write(out / f"{name}.tif", read, place, file.tags(), folder, colors)

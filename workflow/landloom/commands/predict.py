"""``landloom predict``: the classes that a trained network finds in an image of any size, as a GeoTIFF."""

import argparse
from pathlib import Path

from landloom.config import Config, load
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.orchestration import config_files
from landloom.raster.class_map import Grid, writing
from landloom.raster.reader import SceneReader
from landloom.runtime import command_line
from landloom.runtime.command_line import unmarked
from landloom.scenes.discovery import SceneFiles
from landloom.segmentation import networks, whole_images


def main(arguments: list[str]) -> int:
    """Write the map; returns 0."""
    given = parser().parse_args(arguments)
    config = load(config_files.read(given.configfile or [Path("config/config.yaml")]))
    command_line.require({"images": given.image, "model": [given.model]})
    if given.out.exists():
        raise InputError(given.out, "is there already", "Give another name, or remove it")
    model, dataset = networks.load(folder(given.model)), Statistics.load(statistics(config))
    files = SceneFiles(given.image[0].stem, tuple(given.image), None)
    with SceneReader(files, config.data) as image, command_line.atomic([given.out]) as (out,):
        fitting(image, dataset)
        tags = {f"CATEGORY_{i}": name for i, name in enumerate(dataset.names)}
        tags["TIFFTAG_IMAGEDESCRIPTION"] = "Classes found by a network; not a reference"
        with writing(out, Grid.of(image), dataset.colors, tags | {"LANDLOOM_MODEL": str(given.model)}) as put:
            for row, column, found in whole_images.classes(model, dataset, image):
                put(row, column, found)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="landloom predict", description=unmarked(__doc__))
    made.add_argument("image", type=Path, nargs="+", help="image file, or files whose bands are stacked")
    made.add_argument("--model", type=Path, required=True, help="folder of a network, such as "
                      "results/DATASET/segment/real/0/NETWORK/SEED")  # fmt: skip
    made.add_argument("--out", type=Path, required=True, help="the GeoTIFF; class indices, 255 without data")
    made.add_argument(
        "--configfile", type=Path, nargs="+", action="extend", help="of the run, as given to snakemake"
    )
    return made


def folder(model: Path) -> Path:
    """The network in a run's folder, or the folder itself."""
    return model / "model" if (model / "model").is_dir() else model


def statistics(config: Config) -> Path:
    """The dataset statistics of a run.

    Raises:
        InputError: there are none.
    """
    found = Path("results") / config.dataset / "statistics.json"
    if not found.is_file():
        raise InputError(found, "is not there", "Run it in the folder of the run, with its --configfile")
    return found


def fitting(image: SceneReader, dataset: Statistics) -> None:
    """Make sure that an image is of the kind that a network has learned from.

    Raises:
        InputError: it has another number of bands, or another type.
    """
    found, wanted = (len(image.bands), image.dtype.name), (dataset.bands, dataset.dtype)
    if found != wanted:
        said = f"{found[0]} bands of {found[1]}, but the network has learned from {wanted[0]} of {wanted[1]}"
        raise InputError(image.scene.images[0], said, "Choose bands with data.bands, or convert the image")

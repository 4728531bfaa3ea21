"""``landloom onnx``: a trained segmentation network as one ONNX file, for tools without torch."""

import argparse
from pathlib import Path

from landloom.commands.predict import folder, statistics
from landloom.config import load
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.orchestration import config_files
from landloom.runtime import command_line
from landloom.runtime.command_line import unmarked
from landloom.segmentation import networks, onnx_file


def main(arguments: list[str]) -> int:
    """Write the file; returns 0."""
    given = parser().parse_args(arguments)
    config = load(config_files.read(given.configfile or [Path("config/config.yaml")]))
    command_line.require({"model": [given.model]})
    if given.out.exists():
        raise InputError(given.out, "is there already", "Give another name, or remove it")
    dataset = Statistics.load(statistics(config))
    with command_line.atomic([given.out]) as (out,):
        onnx_file.write(networks.load(folder(given.model)), dataset, out)
    shape = f"image (batch, {dataset.bands}, height, width)"
    print(
        f"{given.out}: {shape} as float32, in the units of the images; logits of {', '.join(dataset.names)}"
    )
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="landloom onnx", description=unmarked(__doc__))
    made.add_argument("--model", type=Path, required=True, help="folder of a network, such as "
                      "results/DATASET/segment/real/0/NETWORK/SEED")  # fmt: skip
    made.add_argument("--out", type=Path, required=True, help="the file to write")
    made.add_argument(
        "--configfile", type=Path, nargs="+", action="extend", help="of the run, as given to snakemake"
    )
    return made

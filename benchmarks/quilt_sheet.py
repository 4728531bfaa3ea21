"""A picture of quilts: masks and images for the class mixes of held-out tiles.

python benchmarks/quilt_sheet.py results/dubai docs/images/quilts.jpg
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from landloom.copy_paste.masks import CutMasks
from landloom.data import samples
from landloom.data.batches import spread
from landloom.data.statistics import Statistics
from landloom.raster import codec, palette
from landloom.ratio_control.choice import Drawn, Request

COLUMNS, ROWS = 10, 2
GAP = 2


def main() -> None:
    """Draw the quilts and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    dataset = Statistics.load(given.results / "statistics.json")
    tiles = sorted(given.results.glob("tiles/*.parquet"))
    asked = [Request(mix, mix, "", seed) for seed, mix in enumerate(mixes(tiles))]
    made = CutMasks(dataset, tiles, "quilt")(asked, 0)
    rows = [row(made[i : i + COLUMNS], dataset) for i in range(0, len(made), COLUMNS)]
    Image.fromarray(np.concatenate(rows)).save(given.out, quality=90)


def mixes(tiles: list[Path]) -> list[NDArray[np.float64]]:
    """Mixes of test tiles with at least three classes, evenly spread."""
    table = samples.columns(tiles, ["ratios", "split"])
    pairs = zip(table["ratios"], table["split"], strict=True)
    found = [np.array(r) for r, split in pairs if split == "test" and sum(x > 0.05 for x in r) > 2]
    return spread(found, COLUMNS * ROWS)


def row(made: list[Drawn], dataset: Statistics) -> NDArray[np.uint8]:
    """Masks above their images."""
    masks = [palette.rgb(d.mask, dataset.colors) for d in made]
    images = [dataset.preview(codec.decode(d.image)) for d in made if d.image]
    return np.concatenate([np.concatenate([framed(x) for x in line], 1) for line in (masks, images)])


def framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture with a white frame."""
    return np.pad(picture, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()

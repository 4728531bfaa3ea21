"""Are the borders of windows seen in a scene? Steps across them, beside steps elsewhere.

python benchmarks/seams.py SCENE.tif [...] --stride 32 [--real IMAGE.tif [...]]

A step is the mean absolute difference of neighbouring pixels, relative to the deviation of the band; in a
mask it is a change of class. The *seam score* of a grid of lines is the mean step across its lines
divided by the mean step elsewhere: 1 where nothing is seen. Of each file the score of the window's own
lines is given, and mean and deviation of those of all other grids of the same distance, which no window
has anything to do with.
An image in several files of one band, such as the default run's, is given as all of them after ``--real``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray


def steps(image: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean step across each line between rows (H - 1,) and between columns (W - 1,) of an image (C, H, W)."""
    scaled = image / np.maximum(image.std((1, 2), keepdims=True), 1e-9)
    return np.abs(np.diff(scaled, axis=1)).mean((0, 2)), np.abs(np.diff(scaled, axis=2)).mean((0, 1))


def changes(mask: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of pixels (H - 1,), (W - 1,) of a mask (H, W) whose class changes across each line."""
    return (mask[1:] != mask[:-1]).mean(1), (mask[:, 1:] != mask[:, :-1]).mean(0)


def score(found: Sequence[NDArray[np.float64]], stride: int, first: int = 0) -> float:
    """Seam score of the lines before pixels ``first``, ``first + stride``, ... in both directions."""
    on = [np.arange(1, len(f) + 1) % stride == first % stride for f in found]
    at = np.concatenate([f[o] for f, o in zip(found, on, strict=True)])
    elsewhere = np.concatenate([f[~o] for f, o in zip(found, on, strict=True)])
    return float(at.mean() / elsewhere.mean())


def read(paths: Sequence[Path]) -> NDArray[np.generic]:
    """Bands (C, H, W) of some files on one grid."""
    bands = []
    for path in paths:
        with rasterio.open(path) as file:
            bands.append(file.read())
    return np.concatenate(bands)


def main() -> None:
    """Print a row for each file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", type=Path, nargs="+", help="images, or masks called *.mask.tif")
    parser.add_argument("--stride", type=int, required=True, help="pixels from one window to the next")
    parser.add_argument("--real", type=Path, nargs="*", default=[], help="files of one real image")
    given = parser.parse_args()
    print("| scene | at borders of windows | at other lines, mean ± deviation |\n|---|---|---|")
    for paths in ([p] for p in given.scenes):
        line(paths[0].name, paths, given.stride, own=True)
    if given.real:
        line("real image", given.real, given.stride, own=False)


def line(name: str, paths: Sequence[Path], stride: int, own: bool) -> None:
    """Print the row of one image; a real one has no windows."""
    image = read(paths)
    found = (
        changes(image[0].astype(np.uint8)) if name.endswith("mask.tif") else steps(image.astype(np.float64))
    )
    others = np.array([score(found, stride, first) for first in range(1 if own else 0, stride)])
    at = f"{score(found, stride):.2f}" if own else ""
    print(f"| {name} | {at} | {others.mean():.2f} ± {others.std(ddof=1):.2f} |")


if __name__ == "__main__":
    main()

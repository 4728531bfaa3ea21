"""How well are holes painted? In-painting of held-out tiles, beside fills that need no training.

``LANDLOOM_DATA=/data python benchmarks/inpainting.py`` trains a small base and a one-step image generator
with ``known_pixels`` on tiles of 64 pixels of the Massachusetts data, and paints holes in held-out tiles: the
error in the hole of the mean of some samples and of one, how far the known pixels moved, and how visible the
border is. Telea's method is measured where OpenCV is installed. ``--folder`` keeps what was trained; it may
be the one of ``super_resolution.py``.
"""

import argparse
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import effects
import numpy as np
import torch
from condition_effect import COLORS, SECTIONS, SIDE, Work, config
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.sparse import csr_array
from scipy.sparse.linalg import spsolve

from landloom.config.image_sample import ImageSampleConfig
from landloom.data import holes, kept_pixels, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.stages import image_sample

Image = NDArray[np.float64]
Hole = NDArray[np.bool_]
SHARE = 0.25
"""Share of a tile that a hole covers."""
NAMES = ("other", "road", "building")
BASE: dict[str, Any] = {
    "masks": False,
    "vae": {"channels": [16, 32, 64], "latent": 16, "steps": 800, "batch": 4},
    "unet": {"channels": [32, 64], "groups": 8, "steps": 60, "batch": 16, "warmup": 25},
}
ENCODE: dict[str, Any] = {"known_pixels": {}, "low_resolution": {"factor": 4}}


def massachusetts(folder: Path, **image_train: Any) -> Work:
    """Tiles, base and latents of the Massachusetts crops; two groups of scenes are held out."""
    data = effects.data("massachusetts")
    found = {
        "images": f"{data}/images/{{scene}}.png", "masks": f"{data}/masks/{{scene}}.png",
        "classes": [
            {"name": n, "values": [i], "color": COLORS[i]} for i, n in enumerate(NAMES)
        ],
        "split": {"val": ["23429170*"], "test": ["23279080*"]},
    }  # fmt: skip
    work = Work(folder, config("massachusetts", found, base=BASE, encode=ENCODE, image_train=image_train))
    work.prepare()
    return work


def holed(row: Sample, kind: str, seed: int) -> tuple[Sample, Hole]:
    """A tile of which a part is not told, and where that is (H, W)."""
    torch.manual_seed(seed)
    hole = (holes.box if kind == "boxes" else holes.blob)(SIDE, SIDE, SHARE).numpy()
    return replace(row, image=None, layers=kept_pixels.layers(row.image_array(), ~hole)), hole


def harmonic(image: Image, hole: Hole) -> Image:
    """The hole filled with the smoothest surface through its border (Laplace's equation), band by band."""
    side, number = hole.shape, np.full(hole.shape, -1)
    rows, columns = np.nonzero(hole)
    number[rows, columns] = np.arange(len(rows))
    entries, right = dict[tuple[int, int], float](), np.zeros((len(rows), len(image)))
    for i, (r, c) in enumerate(zip(rows, columns, strict=True)):
        near = [(r + a, c + b) for a, b in ((0, 1), (0, -1), (1, 0), (-1, 0))]
        near = [(a, b) for a, b in near if 0 <= a < side[0] and 0 <= b < side[1]]
        entries[i, i] = len(near)
        for a, b in near:
            if hole[a, b]:
                entries[i, int(number[a, b])] = -1
            else:
                right[i] += image[:, a, b]
    at = np.array(list(entries)).T
    solved = spsolve(csr_array((list(entries.values()), tuple(at)), (len(rows),) * 2), right)
    filled = image.copy()
    filled[:, rows, columns] = np.asarray(solved).reshape(len(rows), -1).T
    return filled


def nearest(image: Image, hole: Hole) -> Image:
    """The hole filled with the nearest known pixel."""
    rows, columns = distance_transform_edt(hole, return_distances=False, return_indices=True)
    return np.asarray(image[:, rows, columns])


def telea(image: Image, hole: Hole) -> Image:
    """The fast marching method of Telea (2004), by OpenCV."""
    import cv2

    picture = np.ascontiguousarray(np.moveaxis(image, 0, -1).astype(np.uint8))
    found = cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.moveaxis(found, -1, 0).astype(np.float64)


def seam(image: Image, hole: Hole) -> float:
    """How much larger steps across the border of a hole are than those of known pixels beside it."""
    beside = ~hole & (distance_transform_edt(~hole) <= 4)
    across, near = [], []
    for axis in (1, 2):
        first, second = (slice(None, -1), slice(1, None))
        a, b = (hole[s] if axis == 1 else hole[:, s] for s in (first, second))
        c, d = (beside[s] if axis == 1 else beside[:, s] for s in (first, second))
        step = np.abs(np.diff(image, axis=axis)).mean(0)
        across.append(step[a != b])
        near.append(step[c & d])
    return float(np.concatenate(across).mean() / max(np.concatenate(near).mean(), 1e-9))


def rows_of(made: Sequence[Image], real: Sequence[Image], where: Sequence[Hole]) -> tuple[float, list[float]]:
    """PSNR in dB over the pixels of all holes, and the seam of each."""
    errors = [((m - r)[:, h] ** 2).ravel() for m, r, h in zip(made, real, where, strict=True)]
    seams = [seam(m, h) for m, h in zip(made, where, strict=True)]
    return float(10 * np.log10(255**2 / np.concatenate(errors).mean())), seams


def sampled(work: Work, generator: Path, rows: Sequence[Sample], count: int) -> list[list[Image]]:
    """``count`` images of each sample, as the stage ``image_sample`` writes them."""
    paint, dataset = work.painter(generator), Statistics.load(work.statistics)
    found: list[list[Image]] = [[] for _ in rows]
    for number in range(count):
        asked = [(row, 1000 * number + i) for i, row in enumerate(rows)]
        made = image_sample.painted(ImageSampleConfig(), dataset, paint, None, asked)
        for images, sample in zip(found, made, strict=True):
            images.append(sample.image_array().astype(np.float64))
    return found


def measured(work: Work, generator: Path, kind: str, tiles: int, count: int) -> None:
    """Print the table of one kind of hole."""
    real_rows = list(samples.read(work.tiles, split="test"))
    real_rows = real_rows[:: max(1, len(real_rows) // tiles)][:tiles]
    asked, where = zip(*(holed(r, kind, i) for i, r in enumerate(real_rows)), strict=True)
    real = [r.image_array().astype(np.float64) for r in real_rows]
    made = sampled(work, generator, asked, count)
    moved = max(np.abs(m - r)[:, ~h].max() for ms, r, h in zip(made, real, where, strict=True) for m in ms)
    print(f"\n{kind}, {SHARE:.0%} of a tile; known pixels moved by {moved:g} grey levels at most\n")
    print("| filled by | PSNR in the hole, dB | seam, mean | sd |\n|---|---|---|---|")
    fills: dict[str, Callable[[Image, Hole], Image]] = {"harmonic": harmonic, "nearest": nearest}
    if importlib.util.find_spec("cv2"):
        fills["Telea"] = telea
    hidden = [np.where(h, 0, r) for r, h in zip(real, where, strict=True)]
    table = {n: [f(i, h) for i, h in zip(hidden, where, strict=True)] for n, f in fills.items()}
    table |= {f"generator, mean of {count}": [np.mean(m, 0) for m in made]}
    table |= {"generator, one sample": [m[0] for m in made]}
    for name, images in table.items():
        value, seams = rows_of(images, real, where)
        print(f"| {name} | {value:.2f} | {np.mean(seams):.3f} | {np.std(seams):.3f} |")
    seams = rows_of(real, real[::-1], where)[1]
    print(f"| the tile itself | | {np.mean(seams):.3f} | {np.std(seams):.3f} |")
    sheet(work.folder / f"inpainting-{kind}.png", [real, hidden, table["harmonic"], [m[0] for m in made]])


def sheet(path: Path, columns: Sequence[Sequence[Image]], count: int = 8) -> None:
    """A picture with a sample a row: what ``columns`` show of it."""
    from PIL import Image as Picture

    rows = [np.concatenate([c[i] for c in columns], 2) for i in range(min(count, len(columns[0])))]
    shown = np.moveaxis(np.concatenate(rows, 1), 0, -1).round().clip(0, 255).astype(np.uint8)
    Picture.fromarray(shown).resize(
        (shown.shape[1] * 3, shown.shape[0] * 3), Picture.Resampling.NEAREST
    ).save(path)


def main() -> None:
    """Train, paint and measure."""
    parser = arguments(__doc__)
    given = parser.parse_args()
    SECTIONS["image_train"]["steps"] = given.steps
    with effects.working(given) as folder:
        work = massachusetts(folder, known_pixels={}, one_step={"layers": 2, "width": 32, "l1": given.l1})
        generator = work.generator("inpainting", work.latents)
        for kind in ("blobs", "boxes"):
            measured(work, generator, kind, given.tiles, given.count)


def arguments(about: str | None) -> argparse.ArgumentParser:
    """The command line of the two benchmarks on the Massachusetts data."""
    parser = effects.parser(about)
    parser.add_argument("--tiles", type=int, default=32, help="held-out tiles")
    parser.add_argument("--count", type=int, default=16, help="samples of each")
    parser.add_argument("--l1", type=float, default=10, help="weight of the error of latents in training")
    return parser


if __name__ == "__main__":
    main()

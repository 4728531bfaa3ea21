"""How much finer is an enlarged image? x4 super-resolution of held-out tiles, beside bicubic enlargement.

``LANDLOOM_DATA=/data python benchmarks/super_resolution.py`` measures on tiles of 64 pixels of the
Massachusetts data, first, what the autoencoder of a small base itself loses: images that it decodes are no
nearer as a rule. Where that is not 3 dB better than bicubic enlargement nothing is trained, but with
``--anyway``. Then a one-step image generator learns ``low_resolution``, and the mean of some samples, one
sample, and a sample told another tile's coarse image are measured, each with the means of its blocks as asked
(``image_sample.consistency``). ± is the standard error over tiles.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import effects
import numpy as np
import torch
import torch.nn.functional as F
from condition_effect import SECTIONS, Work
from inpainting import Image, arguments, massachusetts, sheet
from numpy.typing import NDArray
from perceptual import Perceptual

from landloom.config.image_sample import ImageSampleConfig
from landloom.data import coarse_images, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.models import bundle
from landloom.stages import image_sample

FACTOR = 4
ENOUGH = 3.0
"""dB by which the autoencoder must be better than bicubic enlargement."""


def ssim(made: Image, real: Image) -> float:
    """Structural similarity of two images (C, H, W) of 8 bits, by windows of 7 pixels (Wang et al. 2004)."""
    a, b = (torch.from_numpy(x)[None] for x in (made, real))

    def mean(x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(x, 7, 1)

    one, two = mean(a), mean(b)
    cross = mean(a * b) - one * two
    spread = mean(a * a) - one**2 + mean(b * b) - two**2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * one * two + c1) * (2 * cross + c2) / ((one**2 + two**2 + c1) * (spread + c2))).mean())


def bicubic(coarse: Image) -> Image:
    """A coarse image (C, h, w), enlarged."""
    found = F.interpolate(
        torch.from_numpy(coarse)[None], scale_factor=FACTOR, mode="bicubic", align_corners=False
    )
    return np.asarray(found[0].numpy().clip(0, 255))


class Table:
    """Rows of measures against real tiles."""

    def __init__(self, real: Sequence[Image]) -> None:
        self.real, self.perceptual = real, Perceptual()
        print("| image | PSNR, dB | SSIM | perceptual distance | largest error of a block's mean |")
        print("|---|---|---|---|---|")

    def row(self, name: str, made: Sequence[Image]) -> float:
        """Print a row; returns the PSNR."""
        pairs = list(zip(made, self.real, strict=True))
        measures = {2: psnr, 3: ssim, 4: self.perceptual}
        values = {digits: np.array([m(*pair) for pair in pairs]) for digits, m in measures.items()}
        cells = [f"{v.mean():.{d}f} ± {v.std(ddof=1) / len(v) ** 0.5:.{d}f}" for d, v in values.items()]
        off = max(np.abs(means(a) - means(b)).max() for a, b in pairs)
        print(f"| {name} | {' | '.join(cells)} | {off:.2f} |", flush=True)
        return float(values[2].mean())


def psnr(made: Image, real: Image) -> float:
    """Peak signal-to-noise ratio of two images (C, H, W) of 8 bits, dB."""
    return float(10 * np.log10(255**2 / ((made - real) ** 2).mean()))


def means(image: Image) -> Image:
    """Means (C, h, w) of the blocks of an image."""
    return np.asarray(coarse_images.blocks(image, FACTOR).means)


def decoded(work: Work, dataset: Statistics, rows: Sequence[Sample]) -> list[Image]:
    """The tiles through the autoencoder."""
    model = bundle.load(work.base)
    with torch.no_grad():
        scaled = torch.from_numpy(np.stack([dataset.scale(r.image_array()) for r in rows]))
        made = model.decode(model.encode(scaled)).numpy()
    return [dataset.unscale(m).astype(np.float64) for m in made]


def sampled(work: Work, generator: Path, rows: Sequence[Sample], count: int) -> list[list[Image]]:
    """``count`` images of each sample, as the stage ``image_sample`` writes them."""
    config = ImageSampleConfig(steps=1, guidance=1, consistency=1)
    work.config = work.config.model_copy(update={"image_sample": config})
    paint, dataset = work.painter(generator), Statistics.load(work.statistics)
    found: list[list[Image]] = [[] for _ in rows]
    for number in range(count):
        asked = [(r, 1000 * number + i) for i, r in enumerate(rows)]
        made = image_sample.painted(config, dataset, paint, None, asked, FACTOR)
        for images, sample in zip(found, made, strict=True):
            images.append(sample.image_array().astype(np.float64))
    return found


def measured(work: Work, given: Any) -> None:
    """Print the table."""
    dataset = Statistics.load(work.statistics)
    rows = list(samples.read(work.tiles, split="test"))
    rows = rows[:: max(1, len(rows) // given.tiles)][: given.tiles]
    real: list[NDArray[np.float64]] = [r.image_array().astype(np.float64) for r in rows]
    plain = [bicubic(means(r)) for r in real]
    print(f"{len(rows)} held-out tiles, x{FACTOR}\n")
    table = Table(real)
    free = table.row("bicubic", plain)
    bound = table.row("the tile through the autoencoder: the bound", decoded(work, dataset, rows))
    if bound < free + ENOUGH and not given.anyway:
        print(
            f"\nThe bound is not {ENOUGH:g} dB above bicubic enlargement: nothing to be had with this base."
        )
        return
    generator = work.generator("super_resolution", work.latents)
    made = sampled(work, generator, rows, given.count)
    table.row(f"generator, mean of {given.count}", [np.mean(m, 0) for m in made])
    table.row("generator, one sample", [m[0] for m in made])
    swapped = [replace(r, image=rows[(i + len(rows) // 2) % len(rows)].image) for i, r in enumerate(rows)]
    other = [m[0] for m in sampled(work, generator, swapped, 1)]
    table.row("one sample, told another tile's coarse image", other)
    sheet(work.folder / "super_resolution.png", [real, plain, [m[0] for m in made]])


def main() -> None:
    """Measure the bound, train and measure."""
    parser = arguments(__doc__)
    parser.add_argument("--lr", type=float, default=1.5e-3, help="of the generator")
    parser.add_argument("--anyway", action="store_true", help="train though the bound is too low")
    given = parser.parse_args()
    SECTIONS["image_train"] |= {"steps": given.steps, "lr": given.lr}
    with effects.working(given) as folder:
        coarse, adversarial = {"factor": FACTOR}, {"layers": 2, "width": 32, "l1": given.l1}
        measured(massachusetts(folder, low_resolution=coarse, one_step=adversarial), given)


if __name__ == "__main__":
    main()

"""Does one generator over several ground sampling distances follow the one it is told? On one core.

``LANDLOOM_DATA=/data python benchmarks/gsd_effect.py`` trains a small base and a one-step image generator on
tiles of 64 pixels of the Massachusetts data (1 m) at scales 1, 2 and 4. Masks of held-out tiles are painted
from fixed seeds, and the distance that is told alone is changed. What distance an image has is read from its
power spectrum by a ridge regression that learned on real train tiles: log2 of metres from the logarithm of
the power on rings of equal frequency.

``--folder`` keeps what was trained, and trains again what is not there.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import effects
import numpy as np
from condition_effect import COLORS, QUIET, SECTIONS, Work, config, painted
from inpainting import BASE, NAMES
from numpy.typing import NDArray

from landloom.data import samples
from landloom.data.samples import Meta, Sample
from landloom.data.statistics import Statistics
from landloom.runtime import command_line
from landloom.scenes.discovery import divided
from landloom.scenes.naming import scaled
from landloom.stages import base, caption, encode, image_train, ratios, tile

SCALES = (1, 2, 4)
RINGS = 16
SPLIT = {"val": ["23429170*"], "test": ["23279080*"]}


class Pyramid(Work):
    """Crops at several scales, and a generator that learns all of them."""

    def file(self, name: str, scale: int) -> Path:
        """A file of a level."""
        return self.folder / scaled(name, scale)

    def prepare(self) -> None:
        """Make all that generators learn from."""
        c, state = self.config, self.folder / "state"
        tiles, words = ([self.file(n, s) for s in SCALES] for n in ("tiles", "words"))
        for scale, cut, said in zip(SCALES, tiles, words, strict=True):
            self.cut(scale, cut)
            if scale == 1:
                ratios.run(c.ratios, c.data, c.dataset, [cut], self.folder / "table", self.statistics)
            caption.run(c.caption, self.statistics, cut, state, said, self.file("words.json", scale))
        if not self.base.exists():
            outs = [self.base, *(self.folder / f"{n}.jsonl" for n in ("vae", "unet"))]
            with command_line.atomic(outs) as made:
                base.run(c.base, 0, self.statistics, tiles, words, state, *made, run=QUIET)
        for scale, cut, said in zip(SCALES, tiles, words, strict=True):
            if not (out := self.file("latents", scale)).exists():
                encode.run(c.encode, self.statistics, self.base, cut, said, out, learned=c.base)

    def cut(self, scale: int, out: Path) -> None:
        """Cut the tiles of a level; a pixel of the crops spans a metre."""
        c, (scenes, labels) = self.config, divided(self.config.data)
        tile.run(
            c.tile, c.data, [s.name for s in scenes], [labels[s.name] for s in scenes],
            [p for s in scenes for p in s.images], [s.mask for s in scenes if s.mask], out,
            gsd=["1"] * len(scenes), scale=scale,
        )  # fmt: skip

    def trained(self) -> Path:
        """The generator."""
        out = self.folder / f"image-{self.config.image_train.steps}"
        if not out.exists():
            image_train.run(
                self.config.image_train, 0, self.statistics, self.folder / f"state-{out.name}", out,
                self.folder / f"{out.name}.jsonl", base=self.base,
                latents=[self.file("latents", s) for s in SCALES], run=QUIET,
            )  # fmt: skip
        return out

    def real(self, scale: int, split: str) -> list[Sample]:
        """Tiles of a level."""
        return list(samples.read(self.file("tiles", scale), split=split))


def spectra(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithm of the mean power on rings of images (N, C, H, W) in grey, and 1: (N, RINGS + 1)."""
    grey = images.mean(1, dtype=np.float64)
    grey = grey - grey.mean((1, 2), keepdims=True)
    power = np.abs(np.fft.fft2(grey * np.outer(*[np.hanning(grey.shape[1])] * 2))) ** 2
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(grey.shape[1])] * 2))
    ring = np.minimum((radius * 2 * RINGS).astype(int), RINGS)
    means = [power[:, ring == r].mean(1) for r in range(RINGS)]
    return np.stack([*np.log(np.array(means) + 1e-8), np.ones(len(grey))], 1)


def fitted(found: Sequence[NDArray[np.float64]], ridge: float = 1.0) -> NDArray[np.float64]:
    """Weights (RINGS + 1,) of log2 of metres, from spectra of each level; every level counts as much."""
    x, y = np.concatenate(found), np.repeat(np.log2(SCALES), [len(f) for f in found])
    weight = np.repeat([1 / len(f) for f in found], [len(f) for f in found]) * len(x)
    own = np.diag([ridge] * RINGS + [0.0])
    return np.asarray(np.linalg.solve((x * weight[:, None]).T @ x + own, (x * weight[:, None]).T @ y))


def main() -> None:
    """Train and measure."""
    parser = effects.parser(__doc__)
    parser.add_argument("--tiles", type=int, default=64, help="masks of held-out tiles")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    data = effects.data("massachusetts")
    SECTIONS["image_train"] |= {"steps": given.steps, "metadata": {}}
    classes = [{"name": n, "values": [i], "color": COLORS[i]} for i, n in enumerate(NAMES)]
    own = {"images": f"{data}/images/{{scene}}.png", "masks": f"{data}/masks/{{scene}}.png"}
    with effects.working(given) as folder:
        work = Pyramid(folder, config("gsd", own | {"classes": classes, "split": SPLIT}, base=BASE))
        work.prepare()
        measure(work, given.tiles, given.seeds)


def measure(work: Pyramid, count: int, seeds: int) -> None:
    """Print what distance real and generated images seem to have."""
    dataset, paint = Statistics.load(work.statistics), work.painter(work.trained())

    def seen(rows: Sequence[Sample]) -> NDArray[np.float64]:
        return spectra(np.stack([dataset.scale(r.image_array()) for r in rows]))

    weights = fitted([seen(work.real(s, "train")) for s in SCALES])
    rows = work.real(1, "test")
    rows = rows[:: max(1, len(rows) // count)][:count]
    print(f"{len(rows)} masks x {seeds} seeds, {work.config.image_train.steps} steps\n")
    print("| image | 1 m | 2 m | 4 m | median abs log2 error | monotone |\n|---|---|---|---|---|---|")
    line("real held-out tiles", [seen(work.real(s, "test")) @ weights for s in SCALES], None)
    told = []
    for scale in SCALES:
        asked = [replace(r, meta=Meta(gsd=scale)) for r in rows]
        made = np.concatenate([painted(paint, asked, seed) for seed in range(seeds)])
        told.append(spectra(made) @ weights)
    line("told the distance", told, float((np.diff(np.stack(told), axis=0) > 0).all(0).mean()))


def line(name: str, found: Sequence[NDArray[np.float64]], monotone: float | None) -> None:
    """Print median metres at each level, the median error over all of them, and the share in order."""
    errors = np.concatenate([np.abs(f - np.log2(s)) for f, s in zip(found, SCALES, strict=True)])
    metres = " | ".join(f"{2 ** np.median(f):.2f}" for f in found)
    print(
        f"| {name} | {metres} | {np.median(errors):.2f} | {'' if monotone is None else f'{monotone:.2f}'} |"
    )


if __name__ == "__main__":
    main()

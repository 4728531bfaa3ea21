"""Are images variations of the tile whose embedding they are told? One command, on one core.

``LANDLOOM_DATA=/data python benchmarks/embedding_variations.py`` trains a small base and a one-step image
generator that is told what EfficientNet-Lite0 sees, on tiles of 64 pixels of the Massachusetts data. The mask
says nothing: its two classes are the halves of a scene. Held-out tiles are made from fixed seeds, told their
own embedding, that of another tile, and none.

Another network judges: the encoder of a segmentation network that was trained on real tiles for roads and
buildings, from random weights. Its features of the last three stages, means over the tile in standard scores
of the held-out tiles, are compared by their cosine: which of the held-out tiles is an image most alike? Told
are the share of images that find their source first, the median of its rank, and the share of other tiles
that are less alike than the source, each with the standard error over seeds.

``--folder`` keeps what was trained, and trains again what is not there; it may be that of ``hint_effect.py``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import effects
import numpy as np
import torch
from condition_effect import SECTIONS, config, painted
from hint_effect import HALVES, SPLIT, Judge, Mapped, georeferenced, held_out, shown, through, told
from inpainting import BASE, sheet
from numpy.typing import NDArray

STAGES = 3


class Eye:
    """What the judge's encoder sees in images, in standard scores of real ones.

    Args:
        judge: the network.
        real: images (N, C, H, W) in [-1, 1].
    """

    def __init__(self, judge: Judge, real: NDArray[np.float32]) -> None:
        self.encoder = judge.model.encoder
        found = self._pooled(real)
        self.mean, self.std = found.mean(0), found.std(0) + 1e-6
        self.real = self(real)

    def _pooled(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        with torch.no_grad():
            maps = self.encoder(torch.from_numpy(images))[-STAGES:]  # type: ignore[operator]
        return np.concatenate([m.mean((2, 3)).double().numpy() for m in maps], 1)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features (N, D) of length 1."""
        found = (self._pooled(images) - self.mean) / self.std
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))

    def ranks(self, images: NDArray[np.float32], sources: NDArray[np.int64]) -> NDArray[np.float64]:
        """Rank (N,) of each image's source among the real tiles, from 1; ties count by half."""
        alike = self(images) @ self.real.T
        own = alike[np.arange(len(images)), sources][:, None]
        return np.asarray(0.5 + (alike > own).sum(1) + 0.5 * (alike == own).sum(1))


def scores(ranks: NDArray[np.float64]) -> tuple[float, float, float]:
    """Share of first ranks, median, and mean share of other tiles that are less alike."""
    others = len(ranks) - 1
    return float((ranks == 1).mean()), float(np.median(ranks)), float((1 - (ranks - 1) / others).mean())


def line(name: str, against: str, ranks: Sequence[NDArray[np.float64]]) -> None:
    """Print means over seeds, and their standard errors if there are several seeds."""
    found = np.array([scores(r) for r in ranks])
    spread = found.std(0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else [None] * 3
    cells = [
        f"{mean:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
        for mean, error, digits in zip(found.mean(0), spread, (3, 1, 3), strict=True)
    ]
    print(f"| {name} | {against} | {' | '.join(cells)} |", flush=True)


def work(folder: Path, given: argparse.Namespace) -> Mapped:
    """Crops with what the generator learns from."""
    data = {
        "images": f"{folder}/{{scene}}.tif", "masks": f"{folder}/halves/{{scene}}.tif", "classes": HALVES,
        "split": SPLIT,
    }  # fmt: skip
    own = {"embedding": {"grid": given.grid}}
    made = {"one_step": {"layers": 2, "width": 32, "l1": given.l1}} | own
    sections = {"base": BASE, "encode": own | {"augment": "flip"}, "image_train": made}
    found = Mapped(folder / f"embedding-{given.grid}", config("embedding", data, **sections))
    found.folder.mkdir(exist_ok=True)
    found.prepare()
    return found


def measure(data: Path, folder: Path, given: argparse.Namespace) -> None:
    """Train, and print how well variations find their source."""
    georeferenced(data, folder)
    rows, real, paint = held_out(work(folder, given), "embedding", given)
    eye, own = Eye(Judge(folder, data), real), np.arange(len(rows))
    print("| image | source | first of all | median rank | others less alike |\n|---|---|---|---|---|")
    line("by chance", "own", [1.0 + own])
    line("the tiles through the autoencoder: the bound", "own", [eye.ranks(through(paint, real), own)])
    further = len(rows) // 2
    for name, asked in told(rows, further).items():
        made = [painted(paint, asked, s) for s in range(given.seeds)]
        line(f"told {name}", "own", [eye.ranks(m, own) for m in made])
        if name == "another tile's":
            line(f"told {name}", "the one told", [eye.ranks(m, np.roll(own, -further)) for m in made])
        sheet(folder / f"embedding-{name.split()[0]}.png", [shown(paint, i) for i in (real, *made[:2])])


def main() -> None:
    """Train and measure."""
    parser = effects.parser(__doc__)
    parser.add_argument("--grid", type=int, default=4, help="places along a side")
    parser.add_argument("--l1", type=float, default=20, help="weight of the error of latents in training")
    parser.add_argument("--lr", type=float, default=1.5e-3, help="of the generator")
    parser.add_argument("--tiles", type=int, default=100, help="held-out tiles")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    data = effects.data("massachusetts")
    SECTIONS["image_train"] |= {"steps": given.steps, "lr": given.lr}
    with effects.working(given) as folder:
        measure(data, folder, given)


if __name__ == "__main__":
    main()

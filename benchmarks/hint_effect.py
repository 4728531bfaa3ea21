"""Do images follow a map, and edges? One command per hint, on one core.

``LANDLOOM_DATA=/data python benchmarks/hint_effect.py map`` and ``... edges`` train a small base and a
one-step image generator with that hint on tiles of 64 pixels of the Massachusetts data (roads and buildings
are from OpenStreetMap). The mask says nothing: its two classes are the halves of a scene. Held-out tiles are
made from fixed seeds with their own hint, with that of another tile, and with none.

- map: its vectors are the outlines of roads and buildings. A segmentation network that was trained on real
  tiles draws roads and buildings of what was made, and of real tiles; mIoU against the map that was told.
- edges: correlation of the edges of what was made with those that were told.

``--folder`` keeps what was trained, and trains again what is not there.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import effects
import geopandas as gpd
import numpy as np
import rasterio
import rasterio.features
import torch
from condition_effect import COLORS, QUIET, SECTIONS, SIDE, Work, config, painted
from inpainting import BASE, NAMES, sheet
from numpy.typing import NDArray
from rasterio.transform import from_origin
from shapely.geometry import shape
from temporal import halves
from torch import nn
from torchmetrics.functional.classification import multiclass_confusion_matrix

from landloom.conditions.edges import Edges
from landloom.config.edges import EdgeConfig
from landloom.config.segment import Network
from landloom.config.training import Training
from landloom.data import pictures, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.data.tile_dataset import TileDataset
from landloom.diffusion.images import DiffusionImages
from landloom.scenes.discovery import divided
from landloom.scenes.maps import source
from landloom.segmentation import networks, predict
from landloom.segmentation.objective import SegmentationObjective
from landloom.stages import caption, ratios, tile
from landloom.training.loop import train

CRS, APART = "EPSG:26986", 100_000
"""Massachusetts in metres; crops are laid far from each other, for where they are is not told."""
SPLIT = {"val": ["23429170*"], "test": ["23279080*"]}
HALVES = [{"name": n, "values": [i + 1], "color": COLORS[i]} for i, n in enumerate(("left", "right"))]
CLASSES = [{"name": n, "values": [i], "color": COLORS[i]} for i, n in enumerate(NAMES)]
JUDGE = Training(steps=800, batch=16, lr=1e-3, warmup=20)


def georeferenced(data: Path, folder: Path) -> None:
    """The crops as GeoTIFFs of 1 m with masks that say nothing, and outlines of roads and buildings."""
    for part in ("maps", "halves"):
        (folder / part).mkdir(exist_ok=True)
    for number, path in enumerate(sorted((data / "images").glob("*.png"))):
        name, where = path.stem, from_origin(APART * number, 900_000, 1, 1)
        if (folder / "maps" / f"{name}.gpkg").exists():
            continue
        with rasterio.open(path) as file, rasterio.open(data / "masks" / path.name) as labels:
            image, mask = file.read(), labels.read(1)
        profile = {"driver": "GTiff", "crs": CRS, "transform": where, "dtype": "uint8"}
        size = {"count": len(image), "height": mask.shape[0], "width": mask.shape[1]}
        with rasterio.open(folder / f"{name}.tif", "w", **profile, **size) as out:
            out.write(image)
        halves(folder / f"{name}.tif", folder / "halves" / f"{name}.tif")
        found = list(rasterio.features.shapes(mask, mask > 0, transform=where))
        table = {"kind": [NAMES[int(v)] for _, v in found], "geometry": [shape(s) for s, _ in found]}
        gpd.GeoDataFrame(table, geometry="geometry", crs=CRS).to_file(folder / "maps" / f"{name}.gpkg")
    legend = ["key,value,class,order", *(f"kind,{n},{n},{i}" for i, n in enumerate(NAMES[1:]))]
    (folder / "legend.csv").write_text("\n".join(legend) + "\n")


class Mapped(Work):
    """Crops with their maps."""

    def prepare(self) -> None:
        """Make all that generators learn from."""
        c, state = self.config, self.folder / "state"
        if not self.tiles.exists():
            cut(self)
            ratios.run(c.ratios, c.data, c.dataset, [self.tiles], self.folder / "table", self.statistics)
            caption.run(c.caption, self.statistics, self.tiles, state, self.words, self.folder / "words.json")
        self.learn()


def cut(work: Work) -> None:
    """Cut the tiles of all scenes, with their maps and objects if the config has any."""
    c, (scenes, labels) = work.config, divided(work.config.data)
    drawn = c.data.map
    maps = [source(drawn, s.name) or Path("none") for s in scenes] if drawn else None
    objects = [s.objects for s in scenes if s.objects]
    tile.run(
        c.tile, c.data, [s.name for s in scenes], [labels[s.name] for s in scenes],
        [p for s in scenes for p in s.images], [s.mask for s in scenes if s.mask], work.tiles,
        maps=maps, legend=Path(drawn.legend) if drawn else None,
        objects=objects or None, listed=["yes" if s.objects else "no" for s in scenes] if objects else None,
    )  # fmt: skip


class Judge:
    """A segmentation network trained on real tiles: what does it see in an image?"""

    def __init__(self, folder: Path, data: Path) -> None:
        found = {
            "images": f"{folder}/{{scene}}.tif",
            "masks": f"{data}/masks/{{scene}}.png",
            "classes": CLASSES,
            "split": SPLIT,
        }
        work = Work(folder / "judge", config("judge", found))
        work.folder.mkdir(exist_ok=True)
        if not work.tiles.exists():
            cut(work)
            c = work.config
            ratios.run(c.ratios, c.data, c.dataset, [work.tiles], work.folder / "table", work.statistics)
        self.tiles, self.dataset = work.tiles, Statistics.load(work.statistics)
        self.model = self._trained(work.folder / "network")

    def _trained(self, out: Path) -> nn.Module:
        torch.manual_seed(0)
        model = networks.build(Network(architecture="Unet", encoder="resnet18"), 3, len(NAMES))
        if not out.exists():
            places = pictures.trained([self.tiles])[0]
            tiles = TileDataset(places, self.dataset)
            objective = SegmentationObjective(model, tiles, torch.ones(len(NAMES)), "d4")
            train(objective, JUDGE, QUIET, 0, out.parent / "state", "judge")
            networks.save(model, out)
        return networks.load(out)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.int64]:
        """Classes (N, H, W) that it sees in images (N, C, H, W) in [-1, 1]."""
        made = enumerate(map(self.dataset.unscale, images))
        return np.stack([p.argmax(0) for _, p in predict.over(self.model, self.dataset, made)])

    def masks(self, rows: Sequence[Sample]) -> NDArray[np.int64]:
        """The real classes (N, H, W) of tiles."""
        found = {s.id: s.mask_array() for s in samples.named(self.tiles, {r.id for r in rows})}
        return np.stack([found[r.id] for r in rows]).astype(np.int64)


def agreement(seen: NDArray[np.int64], asked: NDArray[np.int64]) -> tuple[float, ...]:
    """Mean IoU and IoU of each class over the pixels (N, H, W) of all tiles, as torchmetrics counts them."""
    matrix = multiclass_confusion_matrix(torch.from_numpy(seen), torch.from_numpy(asked), len(NAMES)).double()
    each = matrix.diag() / (matrix.sum(0) + matrix.sum(1) - matrix.diag())
    return (float(each.mean()), *each.tolist())


def told(rows: Sequence[Sample], other: int) -> Mapping[str, Sequence[Sample]]:
    """Rows with their own hint, with that of the row ``other`` further on, and with none."""
    swapped = [
        replace(r, image=s.image, layers=s.layers)
        for r, s in zip(rows, [*rows[other:], *rows[:other]], strict=True)
    ]
    return {
        "own": rows,
        "another tile's": swapped,
        "none": [replace(r, image=None, layers=[]) for r in rows],
    }  # fmt: skip


def mapped(data: Path, folder: Path, given: argparse.Namespace) -> None:
    """Print what a judge sees of maps that were told."""
    source = {"source": f"{folder}/maps/{{scene}}.gpkg", "legend": f"{folder}/legend.csv"}
    work, judge = trained(folder, "map", {}, {"map": source}, given.l1), Judge(folder, data)
    rows, real, paint = held_out(work, "map", given)
    own = judge.masks(rows)
    print("| image | against | mIoU | other | road | building |\n|---|---|---|---|---|---|")

    def line(
        name: str, against: str, images: Sequence[NDArray[np.float32]], asked: NDArray[np.int64]
    ) -> None:
        scores = np.array([agreement(judge(i), asked) for i in images])
        spread = f" ± {scores[:, 0].std(ddof=1):.3f}" if len(scores) > 1 else ""
        classes = " | ".join(f"{v:.3f}" for v in scores.mean(0)[1:])
        print(f"| {name} | {against} | {scores[:, 0].mean():.3f}{spread} | {classes} |", flush=True)

    line("real tiles", "own map", [real], own)
    line("the tiles through the autoencoder", "own map", [through(paint, real)], own)
    other = np.roll(own, -(len(rows) // 2), 0)
    for name, asked in told(rows, len(rows) // 2).items():
        made = [painted(paint, asked, s) for s in range(given.seeds)]
        line(f"told {name}", "own map", made, own)
        if name == "another tile's":
            line(f"told {name}", "the map told", made, other)
        sheet(folder / f"map-{name.split()[0]}.png", [shown(paint, i) for i in (real, made[0])])


def edged(data: Path, folder: Path, given: argparse.Namespace) -> None:
    """Print how much edges of what was made are those that were told."""
    work = trained(folder, "edges", {}, {}, given.l1)
    rows, real, paint = held_out(work, "edges", given)
    finder = Edges.of(EdgeConfig(), paint.dataset, 0.1).finder

    def edges(images: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.stack([finder(i).astype(np.float64) for i in paint.dataset.unscale(images)])

    own = edges(real)
    print("| image | against | correlation of edges, mean over tiles | sd |\n|---|---|---|---|")

    def line(
        name: str, against: str, images: Sequence[NDArray[np.float32]], asked: NDArray[np.float64]
    ) -> None:
        pairs = [(a, b) for i in images for a, b in zip(edges(i), asked, strict=True)]
        found = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]
        print(f"| {name} | {against} | {np.mean(found):.3f} | {np.std(found):.3f} |", flush=True)

    line("the tiles through the autoencoder", "own", [through(paint, real)], own)
    other = np.roll(own, -(len(rows) // 2), 0)
    for name, asked in told(rows, len(rows) // 2).items():
        made = [painted(paint, asked, s) for s in range(given.seeds)]
        line(f"told {name}", "own", made, own)
        if name == "another tile's":
            line(f"told {name}", "those told", made, other)
        sheet(folder / f"edges-{name.split()[0]}.png", [shown(paint, i) for i in (real, made[0])])


def trained(folder: Path, hint: str, section: Mapping[str, Any], more: Mapping[str, Any], l1: float) -> Work:
    """Crops with what a generator that is told a hint learns from."""
    data = {
        "images": f"{folder}/{{scene}}.tif", "masks": f"{folder}/halves/{{scene}}.tif", "classes": HALVES,
        "split": SPLIT,
    }  # fmt: skip
    adversarial = {"layers": 2, "width": 32, "l1": l1}
    own = {"base": BASE, "encode": {hint: section}, "image_train": {hint: section, "one_step": adversarial}}
    work = Mapped(folder / hint, config(hint, data | more, **own))
    work.folder.mkdir(exist_ok=True)
    work.prepare()
    return work


def held_out(
    work: Work, hint: str, given: argparse.Namespace, tiles: Sequence[Sample] | None = None
) -> tuple[list[Sample], NDArray[np.float32], DiffusionImages]:
    """Test tiles, all or some of ``tiles``, their images (N, C, H, W) in [-1, 1], and what paints them."""
    rows = list(samples.read(work.tiles, split="test")) if tiles is None else list(tiles)
    rows = rows[:: max(1, len(rows) // given.tiles)][: given.tiles]
    paint = work.painter(work.generator(f"{hint}-{given.l1:g}-{given.lr:g}", work.latents))
    print(f"\n{hint}: {len(rows)} held-out tiles of {SIDE} px x {given.seeds} seeds, {given.steps} steps\n")
    return rows, np.stack([paint.dataset.scale(r.image_array()) for r in rows]), paint


def through(paint: DiffusionImages, real: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images through the autoencoder: no generator is better, as a rule."""
    with torch.no_grad():
        found = paint.model.decode(paint.model.encode(torch.from_numpy(real))).clip(-1, 1).numpy()
    return np.asarray(found, np.float32)


def shown(paint: DiffusionImages, images: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Images in grey levels."""
    return [paint.dataset.unscale(i).astype(np.float64) for i in images]


def main() -> None:
    """Train and measure."""
    parser = effects.parser(__doc__)
    known: dict[str, Callable[[Path, Path, argparse.Namespace], None]] = {"map": mapped, "edges": edged}
    parser.add_argument("hint", choices=known)
    parser.add_argument("--l1", type=float, default=20, help="weight of the error of latents in training")
    parser.add_argument("--lr", type=float, default=1.5e-3, help="of the generator")
    parser.add_argument("--tiles", type=int, default=96, help="held-out tiles")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    data = effects.data("massachusetts")
    SECTIONS["image_train"] |= {"steps": given.steps, "lr": given.lr}
    with effects.working(given) as folder:
        georeferenced(data, folder)
        known[given.hint](data, folder, given)


if __name__ == "__main__":
    main()

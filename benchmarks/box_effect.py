"""Do images follow boxes of objects? One box at a time is moved, turned, given another class, taken away.

``LANDLOOM_DATA=/data python benchmarks/box_effect.py`` trains a small base and a one-step image generator
with ``boxes`` on tiles of 64 pixels of NWPU VHR-10, and a detector on the real ones; images are halved in
size; classes in fewer than 15 images or mostly larger than a tile are left out. The mask says nothing: its
two classes are the halves of a scene. Held-out tiles are made from fixed seeds.

- Layouts: the share of the objects that were told which the detector finds, and the share of what it finds
  that nobody told, beside real tiles. Its score counts from where F1 is best on real val tiles.
- Single boxes: how often it finds the object where it was told, and where it is no more; and how much more
  the image differs inside of a box than elsewhere from the one without any.

``--folder`` keeps what was trained, and trains again what is not there.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import effects
import numpy as np
import rasterio
import rasterio.features
import torch
from condition_effect import QUIET, SECTIONS, SIDE, config, painted
from detector import PACKAGE, SHRINK, labels, wanted
from hint_effect import HALVES, Mapped, held_out, shown, through
from inpainting import BASE, sheet
from numpy.typing import NDArray
from rasterio.enums import Resampling
from temporal import halves

from landloom.config.detect import DetectConfig
from landloom.data import sample_index, samples
from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.detection import curation, networks, predict
from landloom.detection.boxes import Found, overlaps
from landloom.detection.objective import DetectionObjective
from landloom.detection.scenes import scenes
from landloom.detection.scores import matched
from landloom.detection.tiles import ObjectTiles
from landloom.stages import detect
from landloom.training.loop import train

Images = NDArray[np.float32]
SAME = 0.5
"""Intersection over union from which a box that was found is the one that was told."""
FAR = 0.3
"""Intersection over union below which an edited box is no longer where it was."""


def halved(data: Path, folder: Path) -> list[str]:
    """Write images of half size, masks that say nothing and lists of objects; names of the classes."""
    names = fitting(data)
    for part in ("images", "halves", "labels"):
        (folder / part).mkdir(exist_ok=True)
    for path in sorted((data / "labels_dota_obb").glob("*.txt")):
        image = folder / f"images/{path.stem}.png"
        if image.exists():
            continue
        lines = [" ".join([*(f"{v / SHRINK:.2f}" for v in c), n, "0"]) for n, c in labels(path) if n in names]
        (folder / "labels" / path.name).write_text("\n".join(lines) + "\n")
        with rasterio.open(data / f"images/{path.stem}.jpg") as file:
            shape = (3, file.height // SHRINK, file.width // SHRINK)
            pixels = file.read(out_shape=shape, resampling=Resampling.average)
        profile = {"driver": "PNG", "dtype": "uint8", "count": 3, "height": shape[1], "width": shape[2]}
        with rasterio.open(image, "w", **profile) as out:
            out.write(pixels)
        halves(image, folder / f"halves/{path.stem}.png")
    return names


def fitting(data: Path) -> list[str]:
    """Classes of which most objects are no larger than a tile."""
    files = sorted((data / "labels_dota_obb").glob("*.txt"))
    every = [(n, np.ptp(np.reshape(c, (4, 2)), 0).max() / SHRINK) for f in files for n, c in labels(f)]
    return [n for n in wanted(data) if np.median([side for name, side in every if name == n]) <= SIDE]


def work(folder: Path, names: Sequence[str], given: argparse.Namespace) -> Mapped:
    """Tiles of two thirds of the images with what the generator learns from; a ninth of all is for val."""
    stems = sorted(p.stem for p in (folder / "labels").glob("*.txt"))
    order = np.random.default_rng(0).permutation(len(stems)) % 9
    split = {
        "val": [s for s, f in zip(stems, order, strict=True) if f == 3],
        "test": [s for s, f in zip(stems, order, strict=True) if f < 3],
    }
    data = {
        "images": f"{folder}/images/{{scene}}.png", "masks": f"{folder}/halves/{{scene}}.png",
        "classes": HALVES, "split": split,
        "objects": {"format": "dota", "path": f"{folder}/labels/{{scene}}.txt", "classes": list(names)},
    }  # fmt: skip
    made = {"one_step": {"layers": 2, "width": 32, "l1": given.l1}, "boxes": {}}
    sections = {"base": BASE, "encode": {"boxes": {}}, "image_train": made}
    found = Mapped(folder / "boxes", config("nwpu", data, **sections))
    found.folder.mkdir(exist_ok=True)
    found.prepare()
    return found


class Detector:
    """A detector of real tiles, and the score from which what it finds counts."""

    def __init__(self, found: Mapped, names: Sequence[str], steps: int) -> None:
        self.dataset = Statistics.load(found.statistics)
        torch.manual_seed(0)
        model = networks.build(PACKAGE, 3, names, "rotated")
        out = found.folder / f"detector-{steps}"
        if not out.exists():
            rows = samples.columns([found.tiles], ["id", "split"])
            learned = {i for i, s in zip(rows["id"], rows["split"], strict=True) if s == "train"}
            places = [p for p in sample_index.located([found.tiles]) if p.id in learned]
            section = DetectConfig(steps=steps, batch=16, lr=2e-3, warmup=20, ema=0.99)
            objective = DetectionObjective(model, ObjectTiles(places, self.dataset), section.augment)
            train(objective, section, QUIET, 0, found.folder / f"state-{out.name}", "detector")
            networks.save(model, out)
        self.model = networks.load(out)
        self.least = curation.threshold(detect.judged(self.model, self.dataset, [found.tiles], "val"))

    def __call__(self, images: Images) -> list[Found]:
        """What it is sure of in images (N, C, H, W) in [-1, 1]."""
        made = enumerate(map(self.dataset.unscale, images))
        found = (f for _, f in predict.over(self.model, self.dataset, made))
        return [f.at(f.scores >= self.least) for f in found]

    def layout(self, images: Images, told: Sequence[Sample]) -> tuple[float, float]:
        """Share of the objects told that it finds, and share of what it finds that was not told."""
        pairs = [(replace(s, scene=s.id), f) for s, f in zip(told, self(images), strict=True)]
        every = matched(scenes(pairs), len(self.model.classes), self.model.kind)
        seen = curation.of([m for own in every.values() for m in own])
        return seen.found if seen.found is not None else float("nan"), seen.unasked

    def sees(self, images: Images, objects: Sequence[Object]) -> float:
        """Share of images in which it finds the object that belongs to each."""
        return float(np.mean([there(f, o) for f, o in zip(self(images), objects, strict=True)]))


def there(found: Found, wanted: Object) -> bool:
    """Whether an object is among what was found: its class, and more than half of its outline."""
    own = found.corners[found.categories == wanted.category]
    return bool(len(own)) and float(overlaps(wanted.quad()[None], own).max()) > SAME


def moved(one: Object) -> Object:
    """The object on the other side of the tile's middle, at the same angle."""
    corners = one.quad()
    return replace(one, corners=(corners + SIDE - 2 * corners.mean(0)).ravel().tolist())


def turned(one: Object) -> Object:
    """The object a quarter turn further, around its own middle."""
    corners = one.quad()
    centre = corners.mean(0)
    other = (corners - centre) @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    return replace(one, corners=(other + centre).ravel().tolist())


def whole(one: Object) -> bool:
    """Whether an object lies in the tile with all corners."""
    return bool(one.quad().min() >= 0 and one.quad().max() <= SIDE)


def alone(rows: Sequence[Sample]) -> list[tuple[Sample, Object]]:
    """Tiles with their largest object that lies in them with all corners; others are left out."""
    found = []
    for row in rows:
        inside = [o for o in row.objects or [] if whole(o)]
        if inside:
            found.append((row, max(inside, key=lambda o: np.ptp(o.quad(), 0).prod())))
    return found


def edited(
    pairs: Sequence[tuple[Sample, Object]], edit: Callable[[Object], Object]
) -> list[tuple[Sample, Object, Object]]:
    """Tiles with their object before and after an edit that leaves it in the tile, but not where it was."""
    found = []
    for row, one in pairs:
        other = edit(one)
        inside = whole(other)
        far = other.category != one.category or overlaps(one.quad()[None], other.quad()[None])[0, 0] < FAR
        if inside and far:
            found.append((row, one, other))
    return found


def emptied(rows: Sequence[Sample]) -> list[Sample]:
    """Tiles that are known to have no object."""
    return [replace(r, objects=[]) for r in rows]


def within(one: Object) -> NDArray[np.bool_]:
    """Pixels (H, W) of an object."""
    shape = {"type": "Polygon", "coordinates": [[*one.quad().tolist(), one.quad()[0].tolist()]]}
    return rasterio.features.geometry_mask([shape], (SIDE, SIDE), rasterio.Affine.identity(), invert=True)


def change(made: Images, empty: Images, objects: Sequence[Object]) -> float:
    """How much more images differ inside of their object than elsewhere from those without; median."""
    found = []
    for a, b, one in zip(made, empty, objects, strict=True):
        difference, where = np.abs(a - b).mean(0), within(one)
        found.append(difference[where].mean() / max(difference[~where].mean(), 1e-6))
    return float(np.median(found))


def spread(values: Sequence[float]) -> str:
    """Mean over seeds, with their standard deviation."""
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "")


def measure(folder: Path, names: Sequence[str], given: argparse.Namespace) -> None:
    """Train, and print what the detector sees."""
    found = work(folder, names, given)
    eye = Detector(found, names, given.detector_steps)
    every = [s for s in samples.read(found.tiles, split="test") if s.objects]
    rows, real, paint = held_out(found, "boxes", given, every)
    print(f"classes: {', '.join(names)}; scores count from {eye.least:.2f}\n")
    print("| image | objects told that are found | found that were not told |\n|---|---|---|")

    def line(name: str, images: Sequence[Images], told: Sequence[Sample]) -> None:
        seen = [eye.layout(i, told) for i in images]
        print(f"| {name} | {spread([s[0] for s in seen])} | {spread([s[1] for s in seen])} |", flush=True)

    line("real tiles", [real], rows)
    line("the tiles through the autoencoder: the bound", [through(paint, real)], rows)
    own = [painted(paint, rows, s) for s in range(given.seeds)]
    line("told their boxes", own, rows)
    other = [replace(r, objects=s.objects) for r, s in zip(rows, np.roll(np.array(rows), 1), strict=True)]
    swapped = [painted(paint, other, s) for s in range(given.seeds)]
    line("told another tile's boxes, against those", swapped, other)
    line("told another tile's boxes, against their own", swapped, rows)
    sheet(folder / "boxes.png", [shown(paint, i) for i in (real, own[0], swapped[0])])
    single(rows, eye, given, lambda told, s: painted(paint, told, s), len(names))


def single(
    rows: Sequence[Sample],
    eye: Detector,
    given: argparse.Namespace,
    paint: Callable[[list[Sample], int], Images],
    classes: int,
) -> None:
    """Print what becomes of one object that is told alone."""
    edits: dict[str, Callable[[Object], Object]] = {
        "moved": moved,
        "turned": turned,
        "of the next class": lambda o: replace(o, category=(o.category + 1) % classes),
    }
    print("\n| one box, told alone | tiles | found as told | found as before | change there to elsewhere |")
    print("|---|---|---|---|---|")

    def line(name: str, told: Sequence[tuple[Sample, Object, Object]], edit: bool) -> None:
        before, after = [b for _, b, _ in told], [a for _, _, a in told]
        tiles = [r for r, _, _ in told]
        new = [replace(r, objects=[a]) for r, a in zip(tiles, after, strict=True)]
        made, without = ([paint(part, s) for s in range(given.seeds)] for part in (new, emptied(tiles)))
        found = spread([eye.sees(i, after) for i in made])
        old = spread([eye.sees(i, before) for i in made]) if edit else ""
        ratio = spread([change(i, e, after) for i, e in zip(made, without, strict=True)])
        print(f"| {name} | {len(told)} | {found} | {old} | {ratio} |", flush=True)

    pairs = alone(rows)
    line("as in the real tile", [(r, o, o) for r, o in pairs], False)
    for name, edit in edits.items():
        line(name, edited(pairs, edit), True)
    empty = [paint(emptied([r for r, _ in pairs]), s) for s in range(given.seeds)]
    seen = [float(np.mean([len(f.scores) for f in eye(i)])) for i in empty]
    print(f"| none | {len(pairs)} | {spread(seen)} objects a tile | | |")


def main() -> None:
    """Train and measure."""
    parser = effects.parser(__doc__, steps=1500)
    parser.add_argument("--l1", type=float, default=200, help="weight of the error of latents in training")
    parser.add_argument("--lr", type=float, default=5e-4, help="of the generator")
    parser.add_argument("--detector-steps", type=int, default=1200)
    parser.add_argument("--tiles", type=int, default=192, help="held-out tiles")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    data = effects.data("nwpu-vhr10")
    SECTIONS["image_train"] |= {"steps": given.steps, "lr": given.lr}
    with effects.working(given) as folder:
        measure(folder, halved(data, folder), given)


if __name__ == "__main__":
    main()

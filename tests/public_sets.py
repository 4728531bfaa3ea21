"""Made-up files of public data sets: names, number, size, bands and type are true, pixels are not there.

Files are sparse GeoTIFFs, whatever their suffix (GDAL looks inside), most of them hard links to a few.
"""

import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import rasterio
import yaml
from rasterio.transform import Affine

from tests.rasters import ROOT

Name = dict[str, str]
Shape = tuple[int, int]
"""Height and width in pixels."""

POTSDAM = [
    *((2, c) for c in range(10, 15)), *((3, c) for c in range(10, 15)), *((4, c) for c in range(10, 16)),
    *((5, c) for c in range(10, 16)), *((6, c) for c in range(7, 16)), *((7, c) for c in range(7, 14)),
]  # fmt: skip
VAIHINGEN = {
    (2569, 1919): [1], (2767, 2428): [2], (3007, 2006): [3], (2557, 1887): [4, 5, 6, 7, 8, 10],
    (2566, 1893): [11], (2575, 1922): [12], (2558, 2818): [13], (2565, 1919): [14, 15, 16],
    (1281, 2336): [17], (2315, 1866): [20], (2546, 1903): [21, 22, 23, 24], (1783, 2995): [26],
    (3313, 1917): [27], (2567, 1917): [28], (2563, 1917): [29], (2563, 1934): [30], (2555, 1980): [31, 32],
    (2555, 1581): [33], (2555, 1388): [34], (1884, 2805): [35], (1995, 1996): [37], (2550, 3816): [38],
}  # fmt: skip
"""Areas by shape."""
LOVEDA = {("Train", "Rural"): 1366, ("Train", "Urban"): 1156, ("Val", "Rural"): 992, ("Val", "Urban"): 677}
"""Scenes of each folder; 4,191 together."""
OPENEARTHMAP = {"train": 3000, "val": 500, "test": 1500}
REGIONS = ("aachen", "al_qurnah", "buenos_aires", "tokyo")
"""Four of the 97."""
ISAID = {"train": 1411, "val": 458}
ISAID_SHAPES = ((800, 800), (1024, 1024), (1500, 1500), (2500, 2500), (3500, 3500), (4000, 4000))
"""Shapes so that 896 px at every 512 are 5 % more patches than are published, 33,978 and 11,644."""
FLAIR = {
    "flair_train": (61_712, "D004_2021 D006_2020 D007_2020 D008_2019 D009_2019 D013_2020 D014_2020 D016_2020 "
    "D017_2018 D021_2020 D023_2020 D029_2021 D030_2021 D031_2019 D032_2019 D033_2021 D034_2021 D035_2020 "
    "D038_2021 D041_2021 D044_2020 D046_2019 D049_2020 D051_2019 D052_2019 D055_2018 D058_2020 D060_2021 "
    "D063_2019 D066_2021 D067_2021 D070_2020 D072_2019 D074_2020 D077_2021 D078_2021 D080_2021 D081_2020 "
    "D086_2020 D091_2021"),
    "flair_1_test": (15_700, "D012_2019 D022_2021 D026_2020 D064_2021 D068_2021 D071_2020 D075_2021 "
    "D076_2019 D083_2020 D085_2019"),
}  # fmt: skip
"""Number of patches and domains of each part."""
DUBAI = {1: (644, 797), 2: (544, 509), 3: (658, 682), 4: (846, 1099), 5: (1058, 1126), 6: (838, 859),
         7: (2061, 1817), 8: (1479, 2149)}  # fmt: skip
"""Shape of the nine images of each tile."""
HARVEY = (
    "6411 6443 6444 6445 6447 6449 6452 6454 6456 7192 7239 7243 7245 7258 7261 7278 7285 7290 7294 7298 "
    "7306 7310 7313 7321 7324 7332 7362 7370 7372 7374 7414 7434 7463 7465 7467 7469 7488 7520 7542 7559 "
    "7571 7573 7575"
)
"""Numbers of the images that have a mask."""


def config(name: str) -> dict[str, Any]:
    """A shipped config, as it is."""
    found: dict[str, Any] = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    return found


def sparse(path: Path, shape: Shape, bands: int = 3, **more: Any) -> Path:
    """Write a raster without pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = shape
    kind: dict[str, Any] = {"driver": "GTiff", "dtype": "uint8", "tiled": True, "sparse_ok": True} | more
    with rasterio.open(path, "w", height=height, width=width, count=bands, **kind):
        return path


class Links:
    """Hard links to few sparse rasters.

    Args:
        folder: where they lie.
    """

    MOST = 30_000
    """Links to one file; ext4 takes 65,000."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.original = cache(self._made)
        self.inside = cache(lambda parent: parent.mkdir(parents=True, exist_ok=True))

    def add(self, path: str, shape: Shape, bands: int) -> None:
        """One file more."""
        target = self.folder / path
        self.inside(target.parent)
        target.hardlink_to(self.original(shape, bands, self.count // self.MOST))
        self.count += 1

    def _made(self, shape: Shape, bands: int, number: int) -> Path:
        height, width = shape
        return sparse(self.folder / f"originals/{height}x{width}x{bands}-{number}.tif", shape, bands)


def pairs(
    folder: Path, name: str, scenes: Iterable[tuple[Name, Shape]], bands: int = 3, colors: bool = True
) -> None:  # fmt: skip
    """Lay out image and mask of scenes as the patterns of a config say."""
    data, links = config(name)["data"], Links(folder)
    for values, shape in scenes:
        links.add(data["images"].format(**values), shape, bands)
        links.add(data["masks"].format(**values), shape, 3 if colors else 1)


def potsdam(folder: Path) -> None:
    """38 tiles, each at its place."""
    data = config("potsdam")["data"]
    for row, col in POTSDAM:
        place = Affine(0.05, 0, 366676 + row * 300, 0, -0.05, 5808296 - col * 300)
        for kind in ("images", "masks"):
            path = folder / data[kind].format(row=row, col=col)
            sparse(path, (6000, 6000), crs="EPSG:32633", transform=place)


def vaihingen(folder: Path) -> None:
    """33 areas."""
    pairs(folder, "vaihingen", (({"area": str(a)}, s) for s, areas in VAIHINGEN.items() for a in areas))


def loveda(folder: Path) -> None:
    """4,191 scenes with masks; the numbers of the folders follow each other."""
    number = iter(range(10_000))
    names = (
        {"part": part, "domain": domain, "id": str(next(number))}
        for (part, domain), count in LOVEDA.items() for _ in range(count)
    )  # fmt: skip
    pairs(folder, "loveda", ((n, (1024, 1024)) for n in names), colors=False)


def openearthmap(folder: Path) -> None:
    """5,000 scenes, of which 3,500 have masks, and their list, made as the config's comment says."""
    root, links = folder / "data/OpenEarthMap_wo_xBD", Links(folder)
    number = iter(range(10_000))
    for part, count in OPENEARTHMAP.items():
        names = [f"{region}_{next(number)}" for region, _ in zip(cycle(REGIONS), range(count), strict=False)]
        for name in names:
            for kind in ("images", "labels")[: 1 if part == "test" else 2]:
                path = f"data/OpenEarthMap_wo_xBD/{name.rpartition('_')[0]}/{kind}/{name}.tif"
                links.add(path, (1024, 1024), 3 if kind == "images" else 1)
        (root / f"{part}.txt").write_text("".join(f"{n}.tif\n" for n in names))
    subprocess.run("\n".join(commands("openearthmap")), shell=True, cwd=folder, check=True)


def commands(name: str) -> Iterator[str]:
    """Yield lines of shell in the comment of a config: those that are indented."""
    for line in (ROOT / f"config/{name}.yaml").read_text().splitlines():
        if found := re.match(r"#   ?(\S.*)", line):
            yield found[1]


def deepglobe(folder: Path) -> None:
    """803 scenes."""
    pairs(folder, "deepglobe", (({"id": str(100_000 + 7 * i)}, (2448, 2448)) for i in range(803)))


def isaid(folder: Path) -> None:
    """1,869 scenes of made-up sizes."""
    number, shapes = iter(range(10_000)), cycle(ISAID_SHAPES)
    names = ({"part": p, "id": f"P{next(number):04d}"} for p, count in ISAID.items() for _ in range(count))
    pairs(folder, "isaid", zip(names, shapes, strict=False))


def flair(folder: Path) -> None:
    """77,412 patches."""
    number = iter(range(100_000))
    names = (
        {"set": which.rpartition("_")[0], "part": which.rpartition("_")[2], "domain": domain, "zone": "Z1_UU",
         "id": f"{next(number):06d}"}
        for which, (count, domains) in FLAIR.items()
        for domain, _ in zip(cycle(domains.split()), range(count), strict=False)
    )  # fmt: skip
    pairs(folder, "flair", ((n, (512, 512)) for n in names), bands=5, colors=False)


def dubai(folder: Path) -> None:
    """72 scenes."""
    names = (({"tile": str(t), "part": f"{i:03d}"}, s) for t, s in DUBAI.items() for i in range(1, 10))
    pairs(folder, "dubai", names)


def harvey(folder: Path) -> None:
    """43 scenes."""
    shapes = cycle([(1333, 1000), (1530, 1024)])
    scenes = zip(({"id": i} for i in HARVEY.split()), shapes, strict=False)
    pairs(folder, "harvey", scenes, colors=False)


def landsat(folder: Path) -> None:
    """The scene of the default run."""
    (scene,) = config("config")["data"]["scenes"]
    place = {"transform": Affine(28.5, 0, 630534, 0, -28.5, 228114), "dtype": "float32"}
    for path, crs in [*((p, "EPSG:32119") for p in scene["images"]), (scene["mask"], "EPSG:3358")]:
        sparse(folder / path, (443, 489), 1, crs=crs, **place)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "config": landsat, "deepglobe": deepglobe, "dubai": dubai, "dubai-images": dubai, "flair": flair,
    "harvey": harvey, "harvey-images": harvey, "isaid": isaid, "loveda": loveda, "openearthmap": openearthmap,
    "potsdam": potsdam, "vaihingen": vaihingen,
}  # fmt: skip
"""What lays out the files of each shipped config."""

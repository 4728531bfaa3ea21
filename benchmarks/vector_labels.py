"""Time and memory of tiling a scene whose labels are polygons.

python benchmarks/vector_labels.py [--side 16384] [--polygons 200000] [--suffix gpkg]

The scene and its polygons are made up: outlines of 12 corners, 3 to 12 m wide, at 0.5 m a pixel, in degrees
while the image is in metres, so that each window brings its polygons to another system.
"""

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.transform import Affine
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.stages import tile

PIXEL, WEST, NORTH, CRS = 0.5, 400_000.0, 5_000_000.0, "EPSG:32633"
BLOCK = 512
KINDS = ("house", "shed", "pool")


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=16384)
    parser.add_argument("--polygons", type=int, default=200_000)
    parser.add_argument("--suffix", default="gpkg")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image, labels = Path(folder, "a.tif"), Path(folder, f"all.{given.suffix}")
        with ProcessPoolExecutor(1) as pool:  # their memory is not that of the stage
            pool.submit(scene, image, given.side).result()
            pool.submit(polygons, labels, given.polygons, given.side * PIXEL).result()
        data = config(image, labels)
        start, computed = time.perf_counter(), time.process_time()
        tile.run(TileConfig(size=BLOCK), data, ["a"], ["train"], [image], [labels], Path(folder, "t.parquet"))
        used = resource.getrusage(resource.RUSAGE_SELF)
        wall = time.perf_counter() - start
        cpu = time.process_time() - computed
        print(f"{wall:.0f} s, {cpu:.0f} s of CPU time, peak of {used.ru_maxrss / 1e3:.0f} MB")


def scene(path: Path, side: int) -> None:
    """Write an image of noise that repeats."""
    noise = np.random.default_rng(0).integers(1, 255, (3, BLOCK, BLOCK)).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 3, "height": side, "width": side, "dtype": "uint8", "tiled": True}
    place = {"crs": CRS, "transform": Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH), "compress": "deflate"}
    with rasterio.open(path, "w", **profile, **place) as file:
        for row in range(0, side, BLOCK):
            for col in range(0, side, BLOCK):
                file.write(noise, window=Slice(col, row, BLOCK, BLOCK))


def polygons(path: Path, count: int, length: float) -> None:
    """Write outlines at random places of a square, in degrees."""
    rng = np.random.default_rng(0)
    centres = np.array([WEST, NORTH]) + rng.random((count, 1, 2)) * [length, -length]
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radii = rng.uniform(1.5, 6, (count, 1)) * rng.uniform(0.6, 1, (count, 12))
    corners = centres + np.stack([radii * np.cos(angles), radii * np.sin(angles)], -1)
    kinds = {"kind": rng.choice(KINDS, count)}
    found = gpd.GeoDataFrame(kinds, geometry=shapely.polygons(corners), crs=CRS)
    found.to_crs("EPSG:4326").to_file(path)


def config(image: Path, labels: Path) -> DataConfig:
    """Three classes by attribute, and the rest."""
    classes = [{"name": "rest", "color": "#000000"}]
    classes += [{"name": k, "values": [k], "color": "#ff0000"} for k in KINDS]  # type: ignore[dict-item]
    scenes = [{"name": "a", "images": [str(image)], "mask": str(labels)}]
    given = {"scenes": scenes, "classes": classes, "rest": "rest", "vectors": {"attribute": "kind"}}
    return DataConfig.model_validate(given)


if __name__ == "__main__":
    main()

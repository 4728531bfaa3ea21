"""A data set of images and masks from a mosaic and a map."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml

from landloom.commands import pairs
from landloom.config import load
from landloom.errors import InputError
from landloom.raster.ground import grounds, shared
from landloom.raster.windows import Window
from landloom.scenes.discovery import divided
from tests import maps, rasters

SIZE, BLOCK, GAP = 16, 2, 8
SIDE = 4 * (SIZE * BLOCK + GAP)
"""Four blocks along each side."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mosaic, roads across all of it, and houses."""
    monkeypatch.chdir(tmp_path)
    rasters.save(tmp_path / "mosaic.tif", rasters.noise(SIDE, SIDE), nodata=0)
    roads = [maps.line((-9, y), (SIDE + 9, y)) for y in range(5, SIDE, 16)]
    houses = [maps.box(x, y, x + 4, y + 4) for x in range(2, SIDE, 16) for y in range(9, SIDE, 16)]
    tags = {"highway": ["primary"] * len(roads) + [None] * len(houses)}
    maps.save(
        tmp_path / "map.gpkg", roads + houses, building=[None] * len(roads) + ["yes"] * len(houses), **tags
    )
    maps.legend(tmp_path)
    return tmp_path


def run(*more: str, images: str = "mosaic.tif", **changed: Any) -> list[dict[str, str]]:
    sizes = {"size": SIZE, "block": BLOCK, "gap": GAP, "val": 0.2, "test": 0.2}
    rights = {"attribution": "© OpenStreetMap contributors", "licence": "ODbL-1.0"}
    given = {"map": "map.gpkg", "legend": "legend.csv", "out": "pairs"} | sizes | rights | changed
    words = [w for k, v in given.items() for w in (f"--{k}", str(v))]
    assert pairs.main(["--images", images, *words, *more]) == 0
    with Path(given["out"], "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_pairs_lie_where_the_image_does_and_masks_show_the_map(folder: Path) -> None:
    rows = run()
    assert len(rows) == 4 * 4 * BLOCK**2
    row = next(r for r in rows if r["scene"] == "mosaic_16_40")
    with rasterio.open("mosaic.tif") as whole, rasterio.open(Path("pairs", row["image"])) as image:
        np.testing.assert_array_equal(image.read(), whole.read()[:, 16:32, 40:56])
        assert image.transform @ (0, 0) == whole.transform @ (40, 16)
        assert (image.crs, image.nodata) == (whole.crs, whole.nodata)
    with rasterio.open(Path("pairs", row["mask"])) as mask:
        found = mask.read(1)
    expected = np.zeros((SIZE, SIZE), np.uint8)
    expected[9:13, 10:14] = 2  # a house from column 50 and row 25
    expected[4:6] = 1
    np.testing.assert_array_equal(found, expected)


def test_the_manifest_names_whom_to_thank_and_the_config_runs(folder: Path) -> None:
    rows = run()
    assert {(r["attribution"], r["licence"]) for r in rows} == {("© OpenStreetMap contributors", "ODbL-1.0")}
    made = load(yaml.safe_load(Path("pairs/config.yaml").read_text()))
    scenes, splits = divided(made.data)
    assert splits == {r["scene"]: r["split"] for r in rows}
    assert all(f.is_file() for s in scenes for f in s.files)
    assert [(c.name, c.values) for c in made.data.classes] == [("other", [0]), ("road", [1]), ("house", [2])]


def test_splits_are_blocks_with_a_gap(folder: Path) -> None:
    rows, blocks = run(), {}
    for row in rows:
        _, y, x = row["scene"].split("_")
        blocks.setdefault((int(y) // (SIZE * BLOCK + GAP), int(x) // (SIZE * BLOCK + GAP)), set()).add(
            row["split"]
        )
    assert len(blocks) == 16
    assert all(len(splits) == 1 for splits in blocks.values())
    counts = [sum(b == {s} for b in blocks.values()) for s in ("train", "val", "test")]
    assert counts == [10, 3, 3]
    window = Window(-GAP // 2, -GAP // 2, SIZE + GAP - 1, SIZE + GAP - 1)  # of two blocks none meet even so
    wide = []
    for row in rows:
        with rasterio.open(Path("pairs", row["mask"])) as mask:
            wide += grounds(row["scene"], maps.CRS, mask.transform, [(row["split"], window)])
    assert shared(wide) == []


def test_a_run_that_was_stopped_goes_on(folder: Path) -> None:
    rows = run()
    kept, lost = Path("pairs", rows[0]["mask"]), Path("pairs", rows[1]["mask"])
    content, time = lost.read_bytes(), kept.stat().st_mtime_ns
    lost.unlink()
    Path("pairs/manifest.csv").unlink()
    assert run() == rows
    assert (lost.read_bytes(), kept.stat().st_mtime_ns) == (content, time)
    assert not list(Path("pairs").rglob("*.partial"))


def test_other_settings_or_another_legend_need_another_folder(folder: Path) -> None:
    run()
    with pytest.raises(InputError, match=r"pairs: has pairs that were made with another size\. Give"):
        run(size=32)
    maps.legend(folder, maps.LEGEND.replace("20", "30"))
    with pytest.raises(InputError, match="made with another legend's digest"):
        run()


def test_ground_outside_of_the_map_is_left_out_or_ignored(folder: Path) -> None:
    maps.save(folder / "small.gpkg", [maps.line((2, 2), (2, 20)), maps.line((20, 2), (20, 20))],
              highway=["primary"] * 2, building=[None] * 2)  # fmt: skip
    rows = run(map="small.gpkg")
    assert {r["scene"] for r in rows} == {f"mosaic_{y}_{x}" for y in (0, 16) for x in (0, 16)}
    with rasterio.open(Path("pairs", rows[0]["mask"])) as mask:
        assert mask.nodata == 255
        assert (mask.read(1)[0, 4:] == 255).all()


def test_windows_without_data_are_left_out(folder: Path) -> None:
    image = rasters.noise(SIDE, SIDE)
    image[:, :16, :16] = 0
    rasters.save(folder / "mosaic.tif", image, nodata=0)
    assert "mosaic_0_0" not in {r["scene"] for r in run()}


def test_what_cannot_be_is_said(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no file matches 'https://x/a\.tif'"):
        run(images="https://x/a.tif")
    rasters.save(folder / "plain.png", rasters.noise(64, 64))
    with pytest.raises(InputError, match=r"plain\.png: has no coordinate system or no place"):
        run(images="plain.png")
    with pytest.raises(InputError, match="none of 1 images holds a pair of 1024 pixels"):
        run(size=1024)
    maps.save(folder / "far.gpkg", [maps.line((9000, 0), (9009, 9))], highway=["primary"], building=["no"])
    with pytest.raises(InputError, match=r"far\.gpkg: covers no pair that holds data"):
        run(map="far.gpkg", out="elsewhere")
    with pytest.raises(SystemExit):
        pairs.main(["--images", "mosaic.tif"])  # who made the map, and its licence, must be said

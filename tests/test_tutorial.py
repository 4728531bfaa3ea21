"""The tutorial, typed again: from folders of real data to a finished export."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
import yaml
from rasterio import features
from rasterio.transform import Affine
from rasterio.windows import Window

from tests import pages, rasters
from tests.rasters import real

PAGE = "tutorial.md"
LEAST = {"dubai8": (5, 3), "harvey2": (4, 3), "korea": (5, 3), "massachusetts": (3, 3)}
"""Fewest classes and number of bands of each set."""


def dubai8(folder: Path) -> None:
    """Two images of four of the tiles."""
    for tile in (1, 2, 3, 6):
        for kind, suffix in (("images", "jpg"), ("masks", "png")):
            for part in (1, 2):
                name = f"Tile {tile}/{kind}/image_part_00{part}.{suffix}"
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(real("dubai-seg6") / name, folder / name)


def harvey2(folder: Path) -> None:
    """A part of each of the two georeferenced images."""
    for file in real("harvey-uav", "georef_full_res").glob("6435.*"):
        with rasterio.open(file) as source:
            for n, left in enumerate((0, 2000)):
                part = Window(left, 1000, 768, 768)
                place = (
                    {}
                    if file.suffix == ".png"
                    else {"crs": source.crs, "transform": source.window_transform(part)}
                )
                rasters.save(folder / f"{n}{file.suffix}", source.read(window=part), **place)


def korea(folder: Path) -> None:
    """Four chips of one date."""
    for kind, name in (("images", "202309_patchN"), ("labels", "202309_mask")):
        (folder / kind).mkdir(parents=True)
        for i in range(4):
            shutil.copy(real("s2-korea", kind, f"{name}_{i}.tif"), folder / kind)


def massachusetts(folder: Path) -> None:
    """Ten images, and their roads and buildings as polygons in degrees, in one file."""
    source, rows = real("massachusetts"), []
    for file in sorted((source / "images").glob("*.png"))[:10]:
        place, name, _, y, x = None, *file.stem.split("_")
        place = Affine(1, 0, 100 * int(name[:4]) + int(x[1:]), 0, -1, 100 * int(name[4:]) - int(y[1:]))
        with rasterio.open(file) as image, rasterio.open(source / "masks" / file.name) as labels:
            rasters.save(folder / f"{file.stem}.tif", image.read(), crs="EPSG:26986", transform=place)
            mask = labels.read(1)
        found = features.shapes(mask, mask=mask > 0, transform=place)
        rows += [(("road", "building")[int(v) - 1], shapely.geometry.shape(s)) for s, v in found]
    kinds, shapes = zip(*rows, strict=True)
    frame = gpd.GeoDataFrame({"kind": kinds}, geometry=list(shapes), crs=26986).to_crs(4326)
    frame.to_file(folder / "osm.geojson")


SETS = {f.__name__: f for f in (dubai8, harvey2, korea, massachusetts)}


def side(folder: Path, name: str) -> int:
    """Side of the tiles that ``init`` chose; Dubai's before there is a config."""
    config = folder / f"config/{name}.yaml"
    return int(yaml.safe_load(config.read_text())["tile"]["size"]) if config.exists() else 128


def typed(folder: Path, name: str) -> dict[str, str]:
    """What each command of the page says, for another set with its name in place of Dubai's."""
    pages.clone(folder)
    (folder / "data" / name).mkdir(parents=True)
    SETS[name](folder / "data" / name)
    said = {}
    for block in pages.blocks(PAGE):
        block = replace(block, text=block.text.replace("stride: 128", f"stride: {side(folder, name)}"))
        if pages.written(block, folder) or block.mark.startswith("checked: "):
            continue
        for command in block.commands:
            here = command.replace("dubai8", name)
            done = pages.ran(here, folder)
            assert done.returncode == 0, here + done.stdout + done.stderr
            said[command] = done.stdout
    return said


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with the tutorial's own data, where the test works, on a machine without GPUs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    pages.clone(tmp_path)
    dubai8(tmp_path / "data/dubai8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown() -> dict[str, str]:
    """What the page shows of what commands say, by command."""
    found = pages.blocks(PAGE)
    return {before.commands[-1]: block.text for before, block in pairwise(found) if block.kind == "text"}


def exported(folder: Path, name: str) -> dict[str, Any]:
    """The description of an export, and as many images and masks as it names."""
    root = folder / "results" / name / "export/landloom"
    found: dict[str, Any] = json.loads((root / "dataset.json").read_text())
    images = sorted((root / "geotiff/images").glob("*.tif"))
    assert len(images) == len(list((root / "geotiff/masks").glob("*.tif"))) > 0
    with rasterio.open(images[0]) as image:
        assert image.count == LEAST[name][1]
        assert np.ptp(image.read()) > 0
    assert (
        len(json.loads((folder / "results" / name / "statistics.json").read_text())["classes"])
        >= LEAST[name][0]
    )
    return found


def test_it_begins_as_the_page_says_and_goes_on_with_commands_that_there_are(begun: Path) -> None:
    first, *others = [c for b in pages.blocks(PAGE) if not pages.written(b, begun) for c in b.commands]
    assert pages.ran(first, begun).stdout == shown()[first]
    assert len(others) >= 7
    for command in others:
        if not command.startswith(("landloom trace", "landloom verify")):  # without parsers of their own
            pages.check(command)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_it_ends_with_a_finished_export(name: str, tmp_path: Path) -> None:
    said = typed(tmp_path, name)
    exported(tmp_path, name)
    if name == "dubai8":
        assert {c: said[c] for c in shown()} == shown()
        traced = json.loads(next(s for c, s in said.items() if c.startswith("landloom trace")))
        assert traced["sample"]["parents"]
        assert all("data/dubai8/Tile" in source["path"] for source in traced["sources"])

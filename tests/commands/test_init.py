"""A stranger's folder becomes a config that the check accepts."""

import base64
import io
import re
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import yaml
from PIL import Image
from rasterio.transform import Affine

from landloom.commands import init
from landloom.config import Config, load
from landloom.errors import InputError
from landloom.starting import sources, splitting
from tests.rasters import GRID, halves, noise, real, save


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, on a machine without GPUs, with nobody at the keyboard."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("nobody can answer"))


def config(name: str) -> Config:
    return load(yaml.safe_load(Path(f"config/{name}.yaml").read_text()))


def pairs(folder: str, names: list[str], side: int = 96) -> None:
    for i, name in enumerate(names):
        save(Path(folder, "images", f"{name}.png"), noise(side, side, seed=i))
        save(Path(folder, "masks", f"{name}.png"), halves(side, side))


def test_folder_of_images_and_masks(capsys: pytest.CaptureFixture[str]) -> None:
    pairs("data/my set", [f"{s}_{p}" for s in range(4) for p in range(3)])
    assert init.main(["data/my set"]) == 0
    said = capsys.readouterr().out
    assert "assumed: 12 pairs of image and mask, such as images/0_0.png and masks/0_0.png" in said
    assert "next: snakemake --configfile config/my-set.yaml --cores all" in said
    made = config("my-set")
    assert made.data.images == "data/my set/images/{scene}.png"
    assert [(c.name, c.values) for c in made.data.classes] == [("class_1", [1]), ("class_2", [2])]
    held = {p[0] for side in (made.data.split.val, made.data.split.test) for p in side}  # type: ignore[union-attr]
    assert 2 <= len(held) < 4
    assert (made.tile.size, made.tile.stride) == (32, 8)  # of 64 pixels there would be 48
    assert Path("config/my-set.yaml").read_text().count("# ") > 5


def test_the_page_shows_tiles_names_and_counts_and_fetches_nothing() -> None:
    pairs("data", ["1", "2", "3", "4", "5"])
    assert init.main(["data", "--yes"]) == 0
    page = Path("config/data.html").read_text()
    assert page.count("<figure>") == 5
    assert page.count('src="data:image/png;base64,') == 10
    assert "class_1" in page
    assert f"{5 * 96 * 48:,}" in page
    assert not re.search(r"https?://", page)
    shown = [base64.b64decode(p) for p in re.findall(r'base64,([^"]+)"', page)]
    image, mask = (np.asarray(Image.open(io.BytesIO(p))) for p in shown[:2])
    assert image.std() > 20
    colors = [c.color for c in config("data").data.classes]
    assert {f"#{bytes(c.tolist()).hex()}" for c in mask.reshape(-1, 3)} == set(colors)


def test_nothing_is_overwritten() -> None:
    pairs("data", ["1", "2", "3"])
    Path("config").mkdir()
    Path("config/data.html").write_text("mine")
    with pytest.raises(InputError, match=r"data\.html: is there already.*--out"):
        init.main(["data"])
    assert [p.name for p in Path("config").iterdir()] == ["data.html"]
    assert init.main(["data", "--out", "other/x.yaml", "--name", "y"]) == 0
    assert yaml.safe_load(Path("other/x.yaml").read_text())["dataset"] == "y"


def test_folder_that_cannot_be_written_to() -> None:
    pairs("data", ["1", "2", "3"])
    Path("file").touch()
    with pytest.raises(InputError, match=r"file.*cannot be written to"):
        init.main(["data", "--out", "file/x.yaml"])


def test_alpha_that_is_data_is_read_and_ground_keeps_neighbours_together() -> None:
    for i in range(6):
        place = GRID @ type(GRID).translation(2000 * (i // 2) + 96 * (i % 2), 0)  # three pairs side by side
        image = noise(96, 96, 4, seed=i)
        save(Path(f"data/{i}.tif"), image, transform=place, photometric="RGB", alpha="YES")
        save(Path(f"data/{i}_gt.tif"), halves(96, 96), transform=place)
    assert init.main(["data"]) == 0
    made = config("data")
    assert made.data.bands == [1, 2, 3, 4]
    val, test = made.data.split.val, made.data.split.test
    assert {len(val), len(test)} <= {2}  # type: ignore[arg-type]
    for side in (val, test):
        assert len({int(n) // 2 for n in side}) == 1  # type: ignore[union-attr]
    assert "CRS EPSG:32652, 10 m a pixel" in Path("config/data.yaml").read_text()


def test_two_large_scenes_are_divided_into_blocks() -> None:
    rare = halves(256, 256)
    rare[:40, :40] = 3
    save(Path("data/a.png"), noise(256, 256))
    save(Path("data/a_mask.png"), rare)
    assert init.main(["data"]) == 0
    made = config("data")
    assert made.data.scenes is not None
    assert made.data.split.by == "block"
    assert made.tile.size == 64 or made.tile.size == 32


def test_a_few_large_scenes_are_divided_and_a_few_small_ones_are_not() -> None:
    pairs("large", ["1", "2", "3", "4", "5"], side=512)
    pairs("small", ["1", "2", "3", "4", "5"])
    assert init.main(["large"]) == init.main(["small"]) == 0
    assert [config(n).data.split.by for n in ("large", "small")] == ["block", "scene"]


def test_files_that_no_pattern_finds_stand_in_a_table() -> None:
    for i in range(1, 6):
        save(Path(f"data/images/00{i}.png"), noise(96, 96, seed=i))
        save(Path(f"data/masks/m{i}.png"), halves(96, 96))
    assert init.main(["data"]) == 0
    assert config("data").data.manifest == "config/data.csv"
    assert Path("config/data.csv").read_text().splitlines()[:2] == [
        "scene,image,mask",
        "001,../data/images/001.png,../data/masks/m1.png",
    ]


def test_a_split_with_many_names_stands_in_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs("data", list("bdfhjlnprt"), 64)
    monkeypatch.setattr(splitting, "PATTERNS", 1)
    assert init.main(["data"]) == 0
    assert config("data").data.split.by == "manifest"
    rows = Path("config/data.csv").read_text().splitlines()
    assert {r.rsplit(",")[-1] for r in rows[1:]} == {"train", "val", "test"}


def test_names_are_asked_for_at_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs("data", ["1", "2", "3", "4"])
    answers = iter(["road", ""])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert init.main(["data"]) == 0
    assert [c.name for c in config("data").data.classes] == ["road", "class_2"]


def test_what_the_check_refuses_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pairs("data", ["1", "2", "3", "4"])
    save(Path("data/images/3.png"), noise(96, 90))
    assert init.main(["data"]) == 1
    said = capsys.readouterr()
    assert "size" in said.err
    assert "next: correct config/data.yaml" in said.out


def test_odd_names_of_scenes_stay_apart() -> None:
    assert sources._free(["a b", "Á#1"]) == ["a b", "Á#1"]
    assert sources._free(["=SUM(a)", "-b", " c\n1"]) == ["SUM(a)", "b", "c-1"]
    assert sources._free(["=a", "a"]) == ["00000", "00001"]


def test_no_cell_of_the_table_is_a_formula() -> None:
    files = [(Path("=1+1.tif"), Path("m/=1+1.tif"))]
    (row,) = sources.tabled(files, ["=1+1"], Path("t.csv"), {"=1+1": "val"}).rows
    assert row == {"scene": "1+1", "image": "./=1+1.tif", "mask": "m/=1+1.tif", "split": "val"}


SETS = {
    "dubai-seg6": ({"building", "land", "road", "vegetation", "water"}, 72),
    "harvey-uav": ({f"class_{i}" for i in range(25)}, 43),
    "harvey-uav/georef_full_res": ({f"class_{i}" for i in range(27)}, 2),
    "s2-korea": ({f"class_{v}" for v in (10, 30, 50, 70, 100)}, 26),
    "massachusetts": ({"class_0", "class_1", "class_2"}, 62),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_real_sets(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    classes, scenes = SETS[name]
    assert init.main([str(real(*name.split("/"))), "--name", "x"]) == 0
    assert f"assumed: {scenes} pairs" in capsys.readouterr().out
    assert {c.name for c in config("x").data.classes} <= classes


def test_odd_folders_are_written_so_that_yaml_reads_them() -> None:
    for folder in ('it\'s: a #1 "x"', "a {brace}"):
        pairs(folder, ["1", "2", "3", "4"])
        assert init.main([folder, "--name", "n", "--out", f"{folder}/c.yaml"]) == 0
    patterns, table = (
        load(yaml.safe_load(Path(f).read_text())) for f in ('it\'s: a #1 "x"/c.yaml', "a {brace}/c.yaml")
    )
    assert patterns.data.images == 'it\'s: a #1 "x"/images/{scene}.png'
    assert table.data.manifest == "a {brace}/c.csv"


def test_a_gpu_brings_larger_tiles_and_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs("data", [str(i) for i in range(12)], side=1024)
    assert init.main(["data"]) == 0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert init.main(["data", "--out", "config/gpu.yaml"]) == 0
    small, large = config("data"), config("gpu")
    assert (small.tile.size, large.tile.size) == (128, 256)
    assert large.image_train.steps > small.image_train.steps
    assert large.base.unet.steps > small.base.unet.steps


@pytest.mark.parametrize("layout", ["masks/{s}_{c}.png", "{c}/{s}.png", "masks/{c}_{s}.png"])
def test_a_mask_for_each_class(layout: str, capsys: pytest.CaptureFixture[str]) -> None:
    for i, scene in enumerate(["n1", "n2", "n3", "n4", "n5"]):
        save(Path("data/images", f"{scene}.png"), noise(96, 96, seed=i))
        for k, kind in enumerate(("house", "road")):
            mask = np.zeros((96, 96), np.uint8)
            mask[:, 30 * k : 30 * k + 20] = 255
            save(Path("data", layout.format(s=scene, c=kind)), mask)
    assert init.main(["data"]) == 0
    assert "assumed: each image has a mask for each of 2 classes: house, road" in capsys.readouterr().out
    made = config("data").data
    assert [(c.name, c.values) for c in made.classes] == [("background", []), ("house", []), ("road", [])]
    assert made.rest == "background"
    assert isinstance(made.masks, dict)
    assert set(made.masks) == {"house", "road"}
    assert '"background"' in (text := Path("config/data.yaml").read_text())
    assert "# 58.3 %" in text  # 56 of 96 columns
    assert "background, <em>the rest</em>" in Path("config/data.html").read_text()


def polygons(path: str, values: list[str], names: str = "abcde", crs: str = "EPSG:32652") -> None:
    """Boxes of 20 columns for each value in each of the scenes that ``georeferenced`` writes."""
    boxes = []
    for name in names:
        for k, _ in enumerate(values):
            left, top = GRID @ (4096 * (ord(name) - ord("a")) + 24 * k, 0)
            boxes.append(shapely.box(left, top - 960, left + 200, top))
    columns = {"id": range(len(boxes)), "kind": values * len(names)}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    gpd.GeoDataFrame(columns, geometry=boxes, crs="EPSG:32652").to_crs(crs).to_file(path)


def georeferenced() -> None:
    for i, name in enumerate("abcde"):
        save(Path("data/images", f"{name}.tif"), noise(96, 96, seed=i))


KINDS = [("labels.gpkg", "EPSG:32652"), ("all.geojson", "EPSG:4326"), ("all.json", "EPSG:4326"),
         ("labels.shp", "EPSG:32652")]  # fmt: skip


@pytest.mark.parametrize(("file", "crs"), KINDS)
def test_one_file_of_shapes(file: str, crs: str, capsys: pytest.CaptureFixture[str]) -> None:
    georeferenced()
    polygons("data/shapes.geojson" if file.endswith(".json") else f"data/{file}", ["street", "hut"], crs=crs)
    if file.endswith(".json"):
        Path("data/shapes.geojson").rename(f"data/{file}")
        Path("data/about.json").write_text('{"type": "collection", "licence": "CC0"}')  # holds no shapes
    assert init.main(["data"]) == 0
    assert "assumed: attribute 'kind' says the class" in capsys.readouterr().out
    made = config("data").data
    assert (made.images, made.masks) == ("data/images/{scene}.tif", f"data/{file}")
    assert made.vectors is not None
    assert made.vectors.attribute == "kind"
    assert [(c.name, c.values) for c in made.classes] == [
        ("background", []), ("hut", ["hut"]), ("street", ["street"])
    ]  # fmt: skip
    assert Path("config/data.yaml").read_text().count("# 20.8 %") == 2  # 20 of 96 columns each


def test_shapes_of_each_image_without_an_attribute() -> None:
    georeferenced()
    for name in "abcde":
        polygons(f"data/labels/{name}.gpkg", ["x"], name)
    assert init.main(["data"]) == 0
    made = config("data").data
    assert made.masks == "data/labels/{scene}.gpkg"
    assert made.vectors is None
    assert len(made.classes) == 2


def test_masks_on_another_grid_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    georeferenced()
    for i, name in enumerate("abcde"):
        place = GRID @ Affine.translation(4096 * i, 0) @ Affine.scale(2)
        save(Path("data/masks", f"{name}.tif"), halves(48, 48), transform=place)
    assert init.main(["data"]) == 0
    said = (
        "assumed: 5 masks lie on another grid than their image, such as a.tif: each pixel takes the nearest"
    )
    assert said in capsys.readouterr().out
    assert config("data").data.align == "nearest"


def test_vector_files_beside_masks_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    georeferenced()
    for i, name in enumerate("abcde"):
        mask = Path("data/masks", f"{name}.tif")
        save(mask, halves(96, 96), transform=GRID @ Affine.translation(4096 * i, 0))
    polygons("data/footprints.gpkg", ["x"])
    assert init.main(["data"]) == 0
    assert "1 vector files are not used, such as footprints.gpkg: there are masks" in capsys.readouterr().out
    assert config("data").data.align == "none"

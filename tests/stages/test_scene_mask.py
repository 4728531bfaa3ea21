import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from landloom.config import Config, load
from landloom.errors import InputError
from tests import bases, shards
from tests.config.test_config import raw


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("data")
    return {"statistics": shards.statistics(folder), "tiles": shards.tiles(folder, train=40)}


def scene(
    folder: Path, data: dict[str, Any], name: str = "east", file: Path | None = None, **more: Any
) -> Path:
    request = {"height": 100, "width": 70} | more
    out = folder / f"{name}.mask.tif"
    given = {} if file is None else {"ratios": file}
    config = json.dumps({"scenes": {name: request}})
    image = folder / f"{name}.image.tif"
    bases.execute("scene_mask", config=config, name=name, seed=3, out=out, image=image, **data, **given)
    return out


def test_mask_and_image_lie_on_one_grid_and_say_what_they_are(tmp_path: Path, data: dict[str, Any]) -> None:
    place = [2.0, 0, 1000, 0, -2.0, 5000]
    out = scene(tmp_path, data, crs="EPSG:32640", transform=place, ratios={"a": 0.4, "b": 0.3, "c": 0.3})
    with rasterio.open(out) as mask, rasterio.open(tmp_path / "east.image.tif") as image:
        assert mask.shape == image.shape == (100, 70)
        assert mask.crs == image.crs == rasterio.crs.CRS.from_epsg(32640)
        assert list(mask.transform)[:6] == list(image.transform)[:6] == place
        assert (image.count, image.dtypes[0], mask.dtypes[0]) == (3, "uint8", "uint8")
        assert mask.colormap(1)[0][:3] == (0xC8, 0x28, 0x28)
        tags, pixels, shown = mask.tags(), mask.read(1), image.read()
        assert mask.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert (tags["synthetic"], tags["CATEGORY_1"]) == ("true", "b")
    found = np.bincount(pixels.ravel(), minlength=3) / pixels.size
    error = 100 * np.abs(found - [0.4, 0.3, 0.3]).mean()
    assert float(tags["LANDLOOM_MCPE"]) == pytest.approx(error, abs=0.01)
    assert error < 4
    assert float(tags["LANDLOOM_MCPE_BLOCKS"]) >= float(tags["LANDLOOM_MCPE"])
    assert (shown.argmax(0) == pixels).mean() > 0.95


def test_the_same_request_has_the_same_bytes_and_another_seed_others(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    files = []
    for i, seed in enumerate((1, 1, 2)):
        (tmp_path / str(i)).mkdir()
        files.append(scene(tmp_path / str(i), data, seed=seed).read_bytes())
    assert files[0] == files[1] != files[2]


def test_blocks_follow_a_file(tmp_path: Path, data: dict[str, Any]) -> None:
    file = tmp_path / "s.csv"
    wanted = [(0.5, 0.3, 0.2), (0.2, 0.3, 0.5)]
    lines = [f"{r},{c}," + ",".join(map(str, wanted[r > 1])) for r in range(4) for c in range(3)]
    file.write_text("\n".join(["row,col,a,b,c", *lines]))
    with rasterio.open(scene(tmp_path, data, file=file, ratios=str(file))) as mask:
        pixels = mask.read(1)
    upper, lower = (np.mean(part == 0) for part in (pixels[:64], pixels[64:]))
    assert upper > lower + 0.15


def test_a_class_that_no_train_tile_holds_is_refused(tmp_path: Path) -> None:
    only = shards.mask(np.random.default_rng(0)) % 2
    from landloom.data import samples

    rng, path = np.random.default_rng(1), tmp_path / "t.parquet"
    samples.write(path, [shards.sample(f"t{i}", rng, only, split="train", scene="s") for i in range(4)])
    data = {"statistics": shards.statistics(tmp_path), "tiles": [path]}
    with pytest.raises(InputError, match="no train tile holds c"):
        scene(tmp_path, data, ratios={"a": 0.5, "c": 0.5})


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"height": 8, "width": 900}, "8 x 900 pixels are smaller than a tile"),
        ({"height": 900, "width": 900, "ratios": {"nothing": 1.0}}, r"ratios: no class is called nothing"),
        ({"height": 900, "width": 900, "ratios": {"a": 0.5}}, "sum to one, these sum to 0.5"),
        ({"height": 900, "width": 900, "crs": "EPSG:4326"}, "crs is given, but no transform"),
        ({"height": 0, "width": 900}, "height"),
    ],
)
def test_requests_that_cannot_be_meant(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(raw() | {"scene_mask": {"scenes": {"s": request_}}})


def test_a_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(InputError, match="the name 'a b'"):
        load(raw() | {"scene_mask": {"scenes": {"a b": {"height": 900, "width": 900}}}})
    assert isinstance(load(raw()), Config)

"""A GeoTIFF in, a GeoTIFF out."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
import yaml

from landloom.commands import predict
from landloom.config.segment import Network
from landloom.errors import InputError
from landloom.segmentation import networks
from tests import rasters, shards
from tests.config.test_config import raw

SIZE = 32


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Words that predict from an untrained network, in the folder of a run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/tiny/net").mkdir(parents=True)
    shards.dataset(SIZE).save(tmp_path / "results/tiny/statistics.json")
    torch.manual_seed(0)
    model = networks.build(Network(architecture="Unet", encoder="resnet18"), 3, 3)
    networks.save(model, tmp_path / "results/tiny/net/model")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(raw()))
    rasters.save(tmp_path / "image.tif", rasters.noise(50, 70))
    return ["image.tif", "--model", "results/tiny/net", "--out", "map.tif", "--configfile", "c.yaml"]


def test_the_map_lies_where_the_image_does(run: list[str]) -> None:
    assert predict.main(run) == 0
    with rasterio.open("image.tif") as image, rasterio.open("map.tif") as found:
        assert (found.crs, found.transform, found.shape) == (image.crs, image.transform, image.shape)
        assert set(np.unique(found.read(1))) <= {0, 1, 2}
        assert found.nodata == 255
        assert found.tags()["CATEGORY_1"] == "b"
        assert found.tags()["LANDLOOM_MODEL"] == "results/tiny/net"


def test_nothing_is_overwritten_and_nothing_half_done_is_left(run: list[str], tmp_path: Path) -> None:
    (tmp_path / "map.tif").write_text("mine")
    with pytest.raises(InputError, match=r"map\.tif: is there already"):
        predict.main(run)
    assert (tmp_path / "map.tif").read_text() == "mine"


def test_an_image_of_another_kind_is_named(run: list[str], tmp_path: Path) -> None:
    rasters.save(tmp_path / "image.tif", rasters.noise(50, 70)[:2])
    with pytest.raises(InputError, match=r"image\.tif: 2 bands of uint8, but .* learned from 3 of uint8"):
        predict.main(run)
    assert not list(tmp_path.glob("*map*"))


@pytest.mark.parametrize("gone", ["image.tif", "results/tiny/statistics.json"])
def test_what_is_not_there_is_named(run: list[str], tmp_path: Path, gone: str) -> None:
    (tmp_path / gone).unlink()
    with pytest.raises(InputError, match=rf"^{gone}"):
        predict.main(run)

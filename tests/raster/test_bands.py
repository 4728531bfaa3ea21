from pathlib import Path

import numpy as np
import pytest

from landloom.errors import InputError
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles
from tests import rasters


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_zero_in_one_band_alone_is_data(tmp_path: Path, dtype: str) -> None:
    image = np.ones((3, 8, 12), dtype)
    image[0] = 0  # a dark band
    image[:, 0, 0] = 0
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12), nodata=0)
    _, valid, _ = rasters.read(scene, rasters.config())
    assert np.argwhere(~valid).tolist() == [[0, 0]]
    with SceneReader(scene, rasters.config()) as reader:
        assert reader.partly_missing(rasters.SLICE) == 95


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("int16", -9999),
        ("int16", -32768),
        ("uint16", 65535),
        ("int32", -1),
        ("float32", -9999),
        ("float64", 1e20),
    ],
)
@pytest.mark.parametrize("stacked", [False, True])
def test_a_fill_value_in_one_band_is_missing(
    tmp_path: Path, dtype: str, nodata: float, stacked: bool
) -> None:
    image = np.ones((3, 8, 12), dtype)
    image[0, 0, 0] = image[2, 0, 1] = nodata
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12), nodata=nodata)
    if stacked:
        files = [rasters.save(tmp_path / f"{i}.tif", band, nodata=nodata) for i, band in enumerate(image)]
        scene = SceneFiles("a", tuple(files), scene.mask)
    _, valid, _ = rasters.read(scene, rasters.config())
    assert np.argwhere(~valid).tolist() == [[0, 0], [0, 1]]
    with SceneReader(scene, rasters.config()) as reader:
        assert reader.partly_missing(rasters.SLICE) == 0


def test_the_nodata_of_the_config_follows_the_same_rule(tmp_path: Path) -> None:
    image = np.full((2, 8, 12), 100, np.int16)
    image[0, 0, 0], image[0, 0, 1] = -1, 0
    scene = rasters.pair(tmp_path, image, rasters.halves(8, 12))
    assert not rasters.read(scene, rasters.config(nodata=-1))[1][0, 0]
    assert rasters.read(scene, rasters.config(nodata=0))[1].all()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_pixel_that_is_not_finite_is_missing(tmp_path: Path, value: float) -> None:
    image = np.ones((3, 8, 12), np.float32)
    image[1, 2, 3] = value
    _, valid, _ = rasters.read(rasters.pair(tmp_path, image, rasters.halves(8, 12)), rasters.config())
    assert np.argwhere(~valid).tolist() == [[2, 3]]


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "complex_int16"])
def test_complex_bands_are_refused(tmp_path: Path, dtype: str) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    rasters.empty(scene.images[0], dtype)
    with pytest.raises(InputError, match=rf"image\.tif, band 1: complex numbers \({dtype}\).*amplitude"):
        rasters.read(scene, rasters.config())


def test_a_complex_mask_is_refused(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    rasters.empty(scene.mask, "complex64")
    with pytest.raises(InputError, match=r"mask\.tif, band 1: complex numbers"):
        rasters.read(scene, rasters.config())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_numbers_of_colours_are_no_image(tmp_path: Path, suffix: str) -> None:
    table = {i: (255 - i, i, 0, 255) for i in range(256)}
    image = rasters.save(tmp_path / f"i{suffix}", rasters.noise(8, 12, 1), colormap=table)
    mask = rasters.save(tmp_path / "m.png", rasters.halves(8, 12))
    with pytest.raises(InputError, match=r"band 1: its values are numbers of colours.*-expand rgb"):
        rasters.read(SceneFiles("a", (image,), mask), rasters.config(), Window(0, 0, 8, 12))

from pathlib import Path

import numpy as np
import pytest

from landloom.errors import InputError
from landloom.raster import first_look
from tests.rasters import GRID, halves, noise, save


def test_header_says_bands_place_and_resolution(tmp_path: Path) -> None:
    found = first_look.header(save(tmp_path / "a.tif", noise(20, 30, 4)))
    assert (found.height, found.width, found.dtypes) == (20, 30, ("uint8",) * 4)
    assert found.crs == "EPSG:32652"
    assert found.gsd == pytest.approx(10, rel=0.01)
    assert found.ground is not None
    assert found.ground.quad[0].tolist() == [GRID.c, GRID.f]
    assert first_look.header(save(tmp_path / "b.png", noise(20, 30))).ground is None


def test_values_of_each_way_to_write_a_mask(tmp_path: Path) -> None:
    mask = halves(4, 6)
    plain = first_look.values(save(tmp_path / "a.png", mask))
    assert (plain.kind, plain.pixels) == ("integers", {1: 12, 2: 12})
    equal = first_look.values(save(tmp_path / "b.png", np.stack([mask] * 3)))
    assert (equal.kind, equal.pixels) == ("integers", {1: 12, 2: 12})
    colours = np.stack([mask, np.zeros_like(mask), mask])
    found = first_look.values(save(tmp_path / "c.png", colours))
    assert (found.kind, found.pixels) == ("colours", {0x010001: 12, 0x020002: 12})
    named = save(tmp_path / "d.png", mask, colormap={1: (255, 0, 0), 2: (0, 255, 0)})
    assert first_look.values(named).kind == "palette"
    assert first_look.header(named).palette[1] == "#ff0000"
    signed = first_look.values(save(tmp_path / "e.tif", mask.astype(np.int16) - 2))
    assert signed.pixels == {-1: 12, 0: 12}


def test_values_in_strips_are_those_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.random.default_rng(0).integers(0, 5, (50, 40)).astype(np.uint8)
    path = save(tmp_path / "a.png", mask)
    monkeypatch.setattr(first_look, "PART", 120)
    assert first_look.values(path).pixels == dict(zip(*np.unique(mask, return_counts=True), strict=True))


def test_masks_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no whole numbers"):
        first_look.values(save(tmp_path / "a.tif", np.full((4, 4), 0.5, np.float32)))
    with pytest.raises(InputError, match="2 bands"):
        first_look.values(save(tmp_path / "b.tif", noise(4, 4, 2)))
    (tmp_path / "c.png").write_text("text")
    with pytest.raises(InputError, match=r"c\.png.*cannot be read"):
        first_look.values(tmp_path / "c.png")


def test_images_are_told_from_masks(tmp_path: Path) -> None:
    assert first_look.masklike(save(tmp_path / "a.png", halves(40, 40)))
    assert not first_look.masklike(save(tmp_path / "b.png", noise(40, 40)))
    assert not first_look.masklike(save(tmp_path / "c.tif", noise(40, 40, 4)))


def test_alpha_that_is_data_varies(tmp_path: Path) -> None:
    image = noise(8, 8, 4)
    assert first_look.varies(save(tmp_path / "a.tif", image), 4)
    image[3] = 255
    assert not first_look.varies(save(tmp_path / "b.tif", image), 4)

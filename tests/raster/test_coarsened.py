"""A coarser level of a raster, window by window, is that of the whole raster; also beside it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.errors import InputError
from landloom.raster.coarsened import Coarsened
from landloom.raster.mirrored import Mirrored
from landloom.raster.pyramid import area_mean, majority
from landloom.raster.windows import Window
from tests import rasters

HEIGHT, WIDTH, SCALE = 24, 36, 3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A mask of three classes and some pixels of none, and an image."""
    folder, random = tmp_path_factory.mktemp("coarsened"), np.random.default_rng(2)
    mask = random.choice(np.uint8([0, 1, 2, 255]), (HEIGHT, WIDTH))
    return rasters.save(folder / "mask.tif", mask), rasters.save(
        folder / "i.tif", rasters.noise(HEIGHT, WIDTH)
    )


def test_size_and_place(files: tuple[Path, Path]) -> None:
    with Mirrored(files[0]) as fine:
        grid = Coarsened(fine, SCALE, labels=True).grid
        assert (grid.height, grid.width, grid.crs) == (8, 12, fine.grid.crs)
        assert grid.transform is not None
        assert list(grid.transform) == list((rasters.GRID @ rasters.Affine.scale(SCALE))[:6])


@given(row=st.integers(-9, 12), col=st.integers(-13, 15), height=st.integers(1, 10), width=st.integers(1, 10))
def test_windows_are_those_of_the_whole_mirrored(
    files: tuple[Path, Path], row: int, col: int, height: int, width: int
) -> None:
    with Mirrored(files[0]) as mask, Mirrored(files[1]) as image:
        whole = Window(0, 0, HEIGHT, WIDTH)
        classes = majority(mask.read(whole)[0], SCALE)[None]
        means = area_mean(image.read(whole), np.ones((HEIGHT, WIDTH), bool), SCALE)[0]
        for fine, labels, level in ((mask, True, classes), (image, False, means)):
            pads = [(0, 0), (16, 16), (24, 24)]
            around = np.pad(level, pads, "symmetric")[:, row + 16 :, col + 24 :][:, :height, :width]
            found = Coarsened(fine, SCALE, labels).read(Window(row, col, height, width))
            np.testing.assert_array_equal(found, around)
            assert found.dtype == level.dtype


def test_sides_are_multiples_of_the_scale(files: tuple[Path, Path]) -> None:
    with (
        Mirrored(files[0]) as fine,
        pytest.raises(InputError, match=r"mask\.tif: has 24 rows and 36 columns, and its scale is 5"),
    ):
        Coarsened(fine, 5, labels=True)

"""A raster at several scales."""

from pathlib import Path

import numpy as np
import pytest

from landloom.errors import InputError
from landloom.raster import cog
from landloom.raster.class_map import Grid
from landloom.raster.overviews import Overviews
from landloom.raster.windows import Window


def raster(folder: Path, height: int, width: int) -> tuple[Path, np.ndarray]:
    values = np.random.default_rng(0).integers(0, 60_000, (2, height // 10, width // 10)).astype(np.uint16)
    values = values.repeat(10, 1).repeat(10, 2)
    path, grid = folder / "a.tif", Grid(height, width, None, None)
    cog.write(path, lambda at: values[:, at.row : at.row + at.height], grid, {}, folder)
    return path, values


def test_scales_go_from_the_coarsest_to_the_raster_itself(tmp_path: Path) -> None:
    path, values = raster(tmp_path, 1100, 1400)
    with Overviews(path) as found:
        assert found.levels == [(275, 350), (550, 700), (1100, 1400)]
        part = Window(500, 1000, 90, 400)
        assert (found.read(2, part) == values[:, 500:590, 1000:1400]).all()
        half = found.read(1, Window(0, 0, 550, 700))
        assert (half[:, ::5, ::5] == values[:, ::10, ::10]).all()  # blocks of ten stay blocks of five
        assert found.read(0, Window(270, 340, 5, 10)).shape == (2, 5, 10)


def test_a_small_raster_has_one_scale(tmp_path: Path) -> None:
    path, values = raster(tmp_path, 100, 60)
    with Overviews(path) as found:
        assert found.levels == [(100, 60)]
        assert (found.read(0, Window(0, 0, 100, 60)) == values).all()


def test_what_is_no_raster_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("no raster")
    with pytest.raises(InputError, match=r"a\.tif"):
        Overviews(tmp_path / "a.tif")

from pathlib import Path

import pytest

from landloom.errors import InputError
from landloom.raster.reader import SceneReader
from landloom.scenes.discovery import SceneFiles
from tests import rasters


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (
            {"crs": "EPSG:32651"},
            r"mask\.tif, CRS: EPSG:32651, but .*image\.tif has EPSG:32652.*set data\.crs",
        ),
        (
            {"transform": rasters.GRID.translation(3, 0) @ rasters.GRID},
            r"transform: its corners lie 0\.3 pixels",
        ),
    ],
)
def test_grids_that_differ_are_reported_with_a_remedy(
    tmp_path: Path, profile: dict[str, object], message: str
) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    rasters.save(scene.mask, rasters.halves(8, 12), **profile)
    with pytest.raises(InputError, match=message), SceneReader(scene, rasters.config()):
        pass


def test_sizes_that_differ_are_reported(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 11))
    with pytest.raises(InputError, match=r"mask\.tif, size: 11 x 8 pixels.*12 x 8.*Resample"):
        rasters.read(scene, rasters.config())


def test_files_without_a_place_are_not_to_be_warped(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.png", rasters.noise(8, 12))
    mask = rasters.save(tmp_path / "m.png", rasters.halves(8, 11))
    with pytest.raises(InputError, match=r"m\.png, size: 11 x 8 pixels.*gdal_translate -outsize") as error:
        rasters.read(SceneFiles("a", (image,), mask), rasters.config())
    assert "gdalwarp" not in str(error.value)


def test_data_crs_overrides_tags_that_differ(tmp_path: Path) -> None:
    scene = rasters.pair(tmp_path, rasters.noise(8, 12), rasters.halves(8, 12))
    rasters.save(scene.mask, rasters.halves(8, 12), crs="EPSG:3358")
    with SceneReader(scene, rasters.config(crs="EPSG:32119")) as reader:
        assert (reader.crs, reader.transform) == ("EPSG:32119", rasters.GRID)
    with pytest.raises(InputError, match=r"data\.crs: 'EPSG:0'.*Write it like"):
        rasters.read(scene, rasters.config(crs="EPSG:0"))

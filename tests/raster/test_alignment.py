"""Masks on another grid than their image."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform
from rasterio.windows import Window as Slice

from landloom.config.data import ClassSpec
from landloom.errors import InputError
from landloom.raster.labels import IGNORE
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles
from tests import rasters

TURNED = rasters.GRID @ Affine.translation(2, 1) @ Affine.rotation(10)


def degrees() -> Affine:
    """A grid in degrees whose third row and column begin where the image does; its pixels are smaller."""
    (west,), (north,) = transform("EPSG:32652", "EPSG:4326", [rasters.GRID.c], [rasters.GRID.f])
    return Affine(6e-5, 0, west, 0, -5e-5, north) @ Affine.translation(-2, -2)


def scene(folder: Path, mask: NDArray[Any], **profile: Any) -> SceneFiles:
    image = rasters.save(folder / "image.tif", rasters.noise(8, 12))
    return SceneFiles("a", (image,), rasters.save(folder / "mask.tif", mask, **profile))


def aligned(files: SceneFiles, **more: Any) -> NDArray[np.uint8]:
    return rasters.read(files, rasters.config(align="nearest", **more))[2]


def test_a_mask_of_half_the_pixel_size_by_hand(tmp_path: Path) -> None:
    """The centre of each image pixel lies on a corner of four mask pixels, which hold one value."""
    fine = rasters.halves(8, 12).repeat(2, 0).repeat(2, 1)
    files = scene(tmp_path, fine, transform=rasters.GRID @ Affine.scale(0.5))
    np.testing.assert_array_equal(aligned(files), rasters.halves(8, 12) - 1)


def test_a_mask_of_a_larger_place_is_cut_to_the_image(tmp_path: Path) -> None:
    large = np.ones((20, 30), np.uint8)
    large[5:13, 10:22] = rasters.halves(8, 12)
    files = scene(tmp_path, large, transform=rasters.GRID @ Affine.translation(-10, -5))
    np.testing.assert_array_equal(aligned(files), rasters.halves(8, 12) - 1)


def test_what_the_mask_does_not_cover_has_no_class(tmp_path: Path) -> None:
    files = scene(tmp_path, np.ones((4, 6), np.uint8), transform=rasters.GRID @ Affine.translation(-2, 3))
    expected = np.full((8, 12), IGNORE)
    expected[3:7, :4] = 0
    np.testing.assert_array_equal(aligned(files), expected)
    with SceneReader(files, rasters.config(align="nearest")) as reader:
        assert reader.labels is not None
        assert reader.labels.uncovered(Slice(0, 0, 12, 8)) == 96 - 16


def test_a_zero_outside_of_the_mask_is_not_its_class_0(tmp_path: Path) -> None:
    files = scene(tmp_path, np.zeros((8, 6), np.uint8))
    found = aligned(files, values=(0, 1))
    assert (found[:, :6] == 0).all()
    assert (found[:, 6:] == IGNORE).all()


@pytest.mark.parametrize(
    ("crs", "place"),
    [("EPSG:32652", TURNED), ("EPSG:4326", degrees())],
)
def test_it_is_the_nearest_value_that_gdal_takes(tmp_path: Path, crs: str, place: Affine) -> None:
    mask = rasters.noise(64, 64, 1)[0] % 2 + np.uint8(1)
    files = scene(tmp_path, mask, crs=crs, transform=place)
    with rasterio.open(files.mask) as file, WarpedVRT(
        file, crs="EPSG:32652", transform=rasters.GRID, width=12, height=8, resampling=Resampling.nearest,
        add_alpha=True,
    ) as warped:  # fmt: skip
        values, covered = warped.read(1), warped.read(2) > 0
    assert covered.any()
    np.testing.assert_array_equal(aligned(files), np.where(covered, values - 1, IGNORE))


def test_windows_are_parts_of_the_whole(tmp_path: Path) -> None:
    mask = rasters.noise(64, 64, 1)[0] % 2 + np.uint8(1)
    files = scene(tmp_path, mask, crs="EPSG:4326", transform=degrees())
    whole = aligned(files)
    part = rasters.read(files, rasters.config(align="nearest"), Window(3, 5, 4, 6))[2]
    np.testing.assert_array_equal(part, whole[3:7, 5:11])


@pytest.mark.parametrize(("values", "first"), [((1, 2), IGNORE), ((7, 1, 2), 0)])
def test_nodata_is_ignored_unless_it_is_a_class(tmp_path: Path, values: Any, first: int) -> None:
    mask = rasters.halves(16, 24)
    mask[0, 0] = 7
    files = scene(tmp_path, mask, nodata=7)
    assert aligned(files, values=values)[0, 0] == first


def test_a_palette_of_colours(tmp_path: Path) -> None:
    colors = {1: (255, 0, 0, 255), 2: (0, 0, 255, 255)}
    files = scene(tmp_path, rasters.halves(16, 24), colormap=colors)
    found = aligned(files, values=("#ff0000", "#0000ff"))
    assert (found == 0).all()  # the left half of the mask is as large as the image


def test_other_masks_stay_as_they_are(tmp_path: Path) -> None:
    files = scene(tmp_path, rasters.halves(8, 12))
    with SceneReader(files, rasters.config(align="nearest")) as reader:
        assert reader.labels is not None
        assert reader.labels.rasters == reader.masks


def test_the_setting_is_named_where_it_would_help(tmp_path: Path) -> None:
    files = scene(tmp_path, rasters.halves(16, 24))
    with pytest.raises(InputError, match=r"size: 24 x 16.*or set data\.align: nearest"):
        rasters.read(files, rasters.config())
    plain = rasters.save(tmp_path / "m.png", rasters.halves(16, 24))
    with pytest.raises(InputError, match="size: 24 x 16") as error:
        rasters.read(SceneFiles("a", files.images, plain), rasters.config())
    assert "data.align" not in str(error.value)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"crs": None}, r"mask\.tif: it lies on another grid than its image, and has no CRS\. Georeference"),
        ({"transform": rasters.GRID @ Affine.translation(99, 0)}, r"it lies beside its image, no pixel"),
        ({"crs": "EPSG:32610"}, r"it lies beside its image, no pixel"),
    ],
)
def test_what_cannot_be_aligned(tmp_path: Path, profile: dict[str, Any], message: str) -> None:
    files = scene(tmp_path, rasters.halves(16, 24), **profile)
    with pytest.raises(InputError, match=message):
        aligned(files)


def test_an_image_without_a_place(tmp_path: Path) -> None:
    image = rasters.save(tmp_path / "i.png", rasters.noise(8, 12))
    mask = rasters.save(tmp_path / "m.tif", rasters.halves(16, 24))
    with pytest.raises(InputError, match="than its image, which has no CRS or no transform"):
        aligned(SceneFiles("a", (image,), mask))


def test_a_part_of_a_georeferenced_harvey_mask(tmp_path: Path) -> None:
    folder = rasters.real("harvey-uav", "georef_full_res")
    with rasterio.open(folder / "6435.tif") as file:
        place, crs = file.transform, file.crs
    with rasterio.open(folder / "6435.png") as file:
        mask = file.read(1)
    part = rasters.save(
        tmp_path / "part.tif", mask[200:, 300:], crs=crs, transform=place @ Affine.translation(300, 200)
    )
    values = np.unique(mask)
    classes = [{"name": f"c{v}", "values": [int(v)], "color": "#000000"} for v in values]
    data = rasters.config(align="nearest").model_copy(
        update={"classes": [ClassSpec.model_validate(c) for c in classes]}
    )
    found = rasters.read(SceneFiles("a", (folder / "6435.tif",), part), data, Window(100, 200, 512, 512))[2]
    expected = np.searchsorted(values, mask[100:612, 200:712])
    expected[:100] = IGNORE
    expected[:, :100] = IGNORE
    np.testing.assert_array_equal(found, expected)

"""What a user gives of whole scenes is looked at before anything is trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.transform import Affine

from landloom.config.scene_mask import SceneMaskConfig
from landloom.config.scene_sample import SceneSampleConfig
from landloom.raster import asked_scenes
from tests import rasters

NAMES, SIDE, KIND = ["a", "b"], 16, (3, "uint8")


def found(folder: Path, drawn: dict[str, Any] | None = None, asked: dict[str, Any] | None = None) -> str:
    """All that is wrong, in lines."""
    masks = SceneMaskConfig.model_validate({"scenes": drawn or {}})
    images = SceneSampleConfig.model_validate({"scenes": asked or {}})
    wrong = asked_scenes.problems(masks, images, NAMES, SIDE, KIND, folder)
    return "\n".join(map(str, wrong))


def given(folder: Path, mask: int = 1, image: tuple[int, int, int] = (3, 32, 48), **kind: Any) -> Any:
    """A scene whose mask has one value, and whose image has so many bands, rows and columns."""
    rasters.save(folder / "mask.tif", np.full((32, 48), mask, np.uint8))
    rasters.save(folder / "image.tif", np.zeros(image, kind.get("dtype", np.uint8)))
    return {"x": {"mask": str(folder / "mask.tif"), "image": str(folder / "image.tif")}}


@pytest.mark.parametrize("value", [0, 1, 255])
def test_what_fits_is_no_problem(tmp_path: Path, value: int) -> None:
    assert found(tmp_path, asked=given(tmp_path, value)) == ""


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"mask": 2}, "mask.tif: holds 2, but there are 2 classes, counted from 0"),
        ({"image": (3, 32, 40)}, "image.tif, size: 40 x 32 pixels, but"),
        ({"image": (4, 32, 48)}, "image.tif: 4 bands of uint8, the dataset has 3 of uint8"),
        ({"dtype": np.uint16}, "image.tif: 3 bands of uint16, the dataset has 3 of uint8"),
    ],
)
def test_what_does_not_is_named(tmp_path: Path, scene: dict[str, Any], said: str) -> None:
    assert said in found(tmp_path, asked=given(tmp_path, **scene))


def test_a_scale_that_does_not_divide_the_sides(tmp_path: Path) -> None:
    own = given(tmp_path)
    assert found(tmp_path, asked={"x": own["x"] | {"scale": 8}}) == ""
    said = "has 32 rows and 48 columns, and its scale is 5"
    assert f"mask.tif: {said}" in found(tmp_path, asked={"x": own["x"] | {"scale": 5}})
    drawn = {"y": {"height": 32, "width": 48}}
    assert f"scene_mask.scenes.y: {said}" in found(tmp_path, drawn, {"y": {"scale": 5}})


def test_a_wrong_class_far_down_is_found(tmp_path: Path) -> None:
    mask = np.zeros((1500, 20), np.uint8)
    mask[1499, 19] = 7
    rasters.save(tmp_path / "mask.tif", mask)
    assert "holds 7" in found(tmp_path, asked={"x": {"mask": str(tmp_path / "mask.tif")}})


def test_every_scene_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "broken.tif").write_bytes(b"no raster")
    rasters.save(tmp_path / "rgb.tif", rasters.noise(32, 48))
    asked = {n: {"mask": str(tmp_path / f"{n}.tif")} for n in ("broken", "rgb")}
    lines = found(tmp_path, asked=asked).splitlines()
    assert len(lines) == 2
    assert "broken.tif" in lines[0]
    assert "rgb.tif: has 3 bands, a mask has one" in lines[1]


def test_shares_of_blocks(tmp_path: Path) -> None:
    rows = ["row,col,a,b", *(f"{r},{c},0.5,{0.5 + 0.1 * (r == 1)}" for r in range(2) for c in range(3))]
    (tmp_path / "blocks.csv").write_text("\n".join(rows))
    drawn = {"x": {"height": 32, "width": 48, "ratios": str(tmp_path / "blocks.csv")}}
    assert "block at row 1, column 0: shares must be 0 or more and sum to one: 0.5 0.6" in found(
        tmp_path, drawn
    )
    place = rasters.GRID @ Affine.scale(SIDE)
    rasters.save(tmp_path / "blocks.tif", np.full((2, 2, 3), 0.5, np.float32), transform=place)
    scene = {
        "height": 32,
        "width": 64,
        "crs": "EPSG:32652",
        "transform": [float(v) for v in rasters.GRID[:6]],
    }
    assert "blocks.tif" in found(tmp_path, {"x": scene | {"ratios": str(tmp_path / "blocks.tif")}})
    assert found(tmp_path, {"x": scene | {"width": 48, "ratios": str(tmp_path / "blocks.tif")}}) == ""


def test_a_scene_that_no_disk_holds(tmp_path: Path) -> None:
    said = found(tmp_path, {"x": {"height": 10**7, "width": 10**7}})
    assert "scene_mask.scenes.x: a scene of 10000000 x 10000000 pixels needs 800000.0 GB" in said

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image

from landloom.errors import InputError
from landloom.raster import survey, unknown
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles
from tests import rasters

COLORS = rasters.config(values=("#ff0000", "#0000ff"))


def smooth() -> NDArray[np.uint8]:
    """Colours (3, 64, 64) in two halves."""
    image = np.zeros((3, 64, 64), np.uint8)
    image[0, :, :29], image[2, :, 29:] = 255, 255
    return image


def said(folder: Path, mask: Path, data: Any = COLORS) -> str:
    image = rasters.save(folder / "i.png", rasters.noise(64, 64))
    with pytest.raises(InputError) as error:
        rasters.read(SceneFiles("a", (image,), mask), data, Window(0, 0, 64, 64))
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("m.jpg", {"quality": 75}),
        ("m.jp2", {"quality": 5}),
        ("m.tif", {"compress": "jpeg"}),
        ("m.tif", {"compress": "webp", "webp_level": 50}),
    ],
)
def test_a_lossy_file_is_no_mask(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    found = said(tmp_path, rasters.save(tmp_path / name, smooth(), **options))
    assert "is compressed with loss" in found
    assert "Export the mask again without loss, as PNG" in found
    assert "Add each" not in found


def test_a_lossy_webp_too(tmp_path: Path) -> None:
    Image.fromarray(np.moveaxis(smooth(), 0, -1)).save(tmp_path / "m.webp", quality=50)
    assert "is compressed with loss" in said(tmp_path, tmp_path / "m.webp")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("m.png", {}),
        ("m.jp2", {"quality": 100, "reversible": True}),
        ("m.tif", {"compress": "webp", "webp_lossless": True}),
        ("m.tif", {"compress": "lerc"}),
    ],
)
def test_what_is_lossless_is_not_called_lossy(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    with rasterio.open(rasters.save(tmp_path / name, smooth(), **options)) as file:
        assert not unknown.lossy(file)


def test_very_many_values_are_no_forgotten_classes(tmp_path: Path) -> None:
    found = said(tmp_path, rasters.save(tmp_path / "m.png", rasters.noise(64, 64)))
    assert "So many are no classes" in found
    assert "Add each" not in found


def test_a_wrong_guess_is_one_problem(tmp_path: Path) -> None:
    rasters.scenes(tmp_path, "abcd")
    data, problems = rasters.config(tmp_path, values=(1, 9)), list[InputError]()
    scenes = [SceneFiles(n, (tmp_path / f"images/{n}.tif",), tmp_path / f"masks/{n}.tif") for n in "abcd"]
    whole = [("train", Window(0, 0, 32, 48))]
    survey.each(lambda s: survey.count(s, data, whole), scenes, problems, 1)
    other = InputError("x", "is wrong", "Change it")
    (kept, one) = unknown.merged([*problems, other])
    assert kept is other
    assert "masks/a.tif and 3 more, mask values: not in the config: 2 (3072 pixels in 4 masks" in str(one)
    assert unknown.merged([problems[0], other]) == [problems[0], other]

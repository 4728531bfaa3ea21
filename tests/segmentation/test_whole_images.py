"""Maps of images of any size are what blended scenes are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.data import samples
from landloom.raster.labels import IGNORE
from landloom.raster.reader import SceneReader
from landloom.scenes.discovery import SceneFiles
from landloom.segmentation import blending, whole_images
from tests import rasters
from tests.segmentation.test_blending import SIZE, Looks, dataset, tiles, whole


class Bright(nn.Module):
    """The second class where the first band is bright, wherever it is looked at from."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([-images[:, 0], images[:, 0]], 1)


def mapped(path: Path, image: NDArray[np.generic], model: nn.Module, **data: float) -> NDArray[np.uint8]:
    """The map (H, W) of an image; 77 where no part lies, and where two lie the sum of both."""
    file = rasters.save(path / "image.tif", image)
    found = np.full(image.shape[1:], 77, np.uint8)
    times = np.zeros(found.shape, int)
    with SceneReader(SceneFiles("a", (file,), file), rasters.config(**data)) as reader:
        for row, col, part in whole_images.classes(model, dataset(), reader):
            inside = part[: len(found) - row]
            found[row : row + len(inside), col : col + inside.shape[1]] = inside
            times[row : row + len(inside), col : col + inside.shape[1]] += 1
    assert (times == 1).all()
    return found


@pytest.mark.parametrize("held", [1, 10**9])
def test_it_is_what_the_scores_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """Whole tiles side by side, taken at once or a column of tiles at a time."""
    image = rasters.noise(3 * SIZE, 4 * SIZE)
    samples.write(tmp_path / "t", tiles(image, SIZE))
    blended = whole(blending.blended(Looks(), dataset(), [tmp_path / "t"], "test"), image.shape[1:], SIZE)
    monkeypatch.setattr(whole_images, "BLENDED_BYTES", held)
    np.testing.assert_array_equal(mapped(tmp_path, image, Looks()), blended.argmax(0))


@pytest.mark.parametrize(("height", "width"), [(SIZE, SIZE), (9, 13), (3, 10), (2, 2), (17, 5)])
def test_any_size_is_covered_once(tmp_path: Path, height: int, width: int) -> None:
    image = rasters.noise(height, width)
    np.testing.assert_array_equal(mapped(tmp_path, image, Bright()), image[0] > 127)


def test_pixels_without_data_have_no_class(tmp_path: Path) -> None:
    image = rasters.noise(9, 13).astype(np.uint16) + 1
    image[:, 4:6, 7:] = 0
    found = mapped(tmp_path, image, Bright(), nodata=0)
    assert (found[4:6, 7:] == IGNORE).all()
    assert (found == IGNORE).sum() == 12

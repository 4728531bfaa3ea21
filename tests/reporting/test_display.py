"""What is black and white in pictures: dark images are stretched, others stay."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.data import samples
from landloom.raster import codec
from landloom.reporting.display import DARK, WHOLE, Display, Range, visible
from tests import exports


def ramp(low: int, high: int) -> np.ndarray:
    """An image (3, 10, 100) of all values from low to high."""
    return np.rint(np.broadcast_to(np.linspace(low, high, 100), (3, 10, 100))).astype(np.uint8)


def test_an_image_that_is_not_dark_is_the_plain_preview() -> None:
    statistics = exports.statistics()
    image = ramp(0, 255)
    assert (Display(statistics).picture(image) == statistics.preview(image)).all()
    assert Display(statistics).visible(image) == WHOLE


def test_a_dark_image_takes_the_whole_screen() -> None:
    display, image = Display(exports.statistics()), ramp(10, 30)
    found = display.visible(image)
    assert (found.low * 255, found.high * 255) == (pytest.approx(10, abs=0.5), pytest.approx(30, abs=0.5))
    assert found.gain == pytest.approx(255 / 20, rel=0.05)
    picture = display.picture(image)
    assert (picture.min(), picture.max()) == (0, 255)
    assert (np.diff(picture[0, :, 0].astype(int)) >= 0).all()


def test_bands_are_stretched_alike_so_that_colours_stay() -> None:
    image = ramp(10, 30)
    image[1], image[2] = 10, 20
    picture = Display(exports.statistics()).picture(image)
    assert (picture[..., 1] < 10).all()
    assert abs(picture[..., 2].astype(int) - 128).max() < 10


def test_missing_pixels_do_not_count() -> None:
    image = ramp(20, 40)
    image[:, :, :60] = 0
    assert Display(exports.statistics()).visible(image).low * 255 > 25


@pytest.mark.parametrize("value", [0, 7])
def test_an_image_of_one_value_stays(value: int) -> None:
    assert Display(exports.statistics()).visible(np.full((3, 8, 8), value, np.uint8)) == WHOLE


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50))
def test_only_what_is_dark_is_stretched_and_never_narrowed(values: list[float]) -> None:
    found = visible(np.array([values] * 3, np.float32))
    assert found == WHOLE or 0 <= found.low < found.high < DARK
    assert found.gain >= 1
    assert found == WHOLE or np.percentile([v for v in values if v > 0], 99) < DARK + 1e-6


def tiles(folder: Path, high: int) -> Path:
    """Forty train tiles with values from 3 to ``high``, and a bright test tile."""
    path, bright = folder / f"{high}.parquet", exports.sample("x", 0, split="test")
    bright.image = codec.encode(ramp(0, 255))
    rows = [exports.sample(f"t{i}", i, split="train") for i in range(40)]
    for row in rows:
        row.image = codec.encode(ramp(3, high))
    samples.write(path, [bright, *rows])
    return path


def test_a_dark_dataset_is_stretched_as_one_by_its_train_tiles(tmp_path: Path) -> None:
    statistics = exports.statistics()
    dark = Display.of(statistics, [tiles(tmp_path, 40)])
    assert dark.range.high * 255 == pytest.approx(40, abs=1.5)
    assert dark.visible(ramp(3, 40)) == WHOLE  # it is as bright as the others
    assert dark.picture(ramp(3, 40)).max() == 255
    assert dark.visible(ramp(3, 9)) != WHOLE
    assert Display.of(statistics, [tiles(tmp_path, 200)]).range == WHOLE
    assert Display.of(statistics, []).range == WHOLE


def test_a_range_is_stretched_by_its_gain() -> None:
    found = Range(0.1, 0.3).stretch(np.array([0.0, 0.1, 0.2, 0.3, 1.0], np.float32))
    assert found == pytest.approx([0, 0, 0.5, 1, 1])
    assert Range(0.1, 0.3).gain == pytest.approx(5)


def test_grey_and_numbers_that_are_missing() -> None:
    statistics = exports.statistics(5)
    image = np.full((5, 4, 4), np.nan, np.float32)
    assert (Display(statistics).picture(image) == 0).all()
    statistics.rgb = [1]
    assert Display(statistics).picture(np.ones((5, 4, 4), np.float32)).shape == (4, 4, 3)

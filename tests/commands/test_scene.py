"""What is asked of an endless world; tests/test_workflow.py makes parts of one."""

import numpy as np
import pytest

from landloom.commands import scene
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.scene_sample import SceneSampleConfig
from landloom.errors import InputError
from landloom.raster.windows import Window


def test_bounds_become_rows_and_columns_from_the_origin_of_the_map() -> None:
    assert scene.pixels([10, 20, 30, 50], 10) == Window(-5, 1, 3, 2)
    assert scene.grid(Window(-5, 1, 3, 2), 10.0, None).transform == [10, 0, 10, 0, -10, 50]
    assert scene.pixels([0.3, -0.9, 0.6, 0], 0.3) == Window(0, 1, 3, 1)  # 0.9 / 0.3 is not quite 3


@pytest.mark.parametrize(
    ("bounds", "gsd", "message"),
    [
        ([0, 0, 10, 10], 0, "--gsd: 0 is not a length"),
        ([0, 10, 10, 0], 1, "--bounds: hold nothing.*west, south, east and north in this order"),
        ([0, 0, 10, 12.5], 2, r"north is 12\.5, 0\.25 of a pixel beside the grid.*such as 12"),
    ],
)
def test_bounds_that_are_none_are_an_input_error(bounds: list[float], gsd: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scene.pixels(bounds, gsd)


@pytest.mark.parametrize("text", ["EPSG:4326", "nowhere"])
def test_a_map_is_in_metres(text: str) -> None:
    with pytest.raises(InputError, match="--crs: "):
        scene.crs(text)


def test_a_mix_is_that_of_all_classes() -> None:
    names, usual = ["a", "b", "c"], np.array([2.0, 1, 1])
    np.testing.assert_allclose(scene.mix([], names, usual), [0.5, 0.25, 0.25])
    np.testing.assert_allclose(scene.mix(["c=0.4", "a=0.6"], names, usual), [0.6, 0, 0.4])
    with pytest.raises(InputError, match=r"no class is called d\. Use a, b, c"):
        scene.mix(["d=1"], names, usual)
    with pytest.raises(InputError, match=r"--ratios: .*sum to 0\.4"):
        scene.mix(["a=0.4"], names, usual)


def test_nothing_without_end_is_averaged_at_every_step() -> None:
    images, config = ImageSampleConfig(steps=4), SceneSampleConfig()
    found = [scene.averaged(config, images, n).averagings for n in (None, 2, 9)]
    assert found == [1, 2, 4]
    assert scene.averaged(SceneSampleConfig(averagings=3), images, None).averagings == 3
    assert scene.reach(64, SceneSampleConfig(averagings=3)) == 5 * 64
    with pytest.raises(InputError, match="--averagings: is 0"):
        scene.averaged(config, images, 0)

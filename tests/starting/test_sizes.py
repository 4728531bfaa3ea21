import pytest

from landloom.config.mix import MixConfig
from landloom.starting import machine, sizes
from landloom.starting.sizes import Tiles


@pytest.mark.parametrize(
    ("sides", "gpu", "expected"),
    [
        ([(3000, 4000)] * 2, False, Tiles(128, 128, False)),  # 1,536 tiles
        ([(512, 512)] * 26, False, Tiles(128, 64, False)),  # 416, of which 277 for train: they overlap
        ([(512, 512)] * 26, True, Tiles(128, 64, False)),  # 104 tiles of 256 would be too few
        ([(100, 100)] * 60, False, Tiles(64, 16, False)),
        ([(20, 20)] * 9, False, Tiles(32, 8, True)),
    ],
)
def test_tiles_fit_and_are_enough(sides: list[tuple[int, int]], gpu: bool, expected: Tiles) -> None:
    assert sizes.tiles(sides, gpu) == expected


@pytest.mark.parametrize("train", [1, 40, 800, 4131, 90_000])
def test_planned_pairs_reach_the_mix_with_some_to_spare(train: int) -> None:
    ratio, count = sizes.mix(train, gpu=False)
    assert 0.01 <= ratio <= 0.4
    assert count >= 1.2 * MixConfig(ratios=[ratio]).pairs(ratio, train)
    assert count <= sizes.PAIRS[False] or ratio == 0.01


def test_a_gpu_trains_longer() -> None:
    assert "steps: 20000" in machine.trainings(True, 256)
    assert "crop: 32" in machine.trainings(False, 32)

import numpy as np

from landloom.raster.regions import without_small


def test_small_regions_take_their_neighbours_class() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[2, 2] = 1
    mask[5:8, 5:8] = 2
    cleaned = without_small(mask, 4)
    assert cleaned[2, 2] == 0
    assert (cleaned == 2).sum() == 9
    assert (without_small(mask, 0) == mask).all()

"""Images for one pass of a network: few on a CPU, all that are wanted on a GPU."""

import numpy as np
import pytest

from landloom.runtime import batches


@pytest.mark.parametrize(
    ("side", "device", "sizes"),
    [
        (512, "cpu", [1] * 5),
        (256, "cpu", [4, 1]),
        (300, "cpu", [2, 2, 1]),
        (64, "cpu", [5]),
        (2048, "cpu", [1] * 5),
        (512, "cuda", [5]),
    ],
)
def test_a_cpu_takes_few_large_images_at_once(side: int, device: str, sizes: list[int]) -> None:
    images = [(i, np.full((1, side, side), i)) for i in range(5)]
    found = list(batches.of(images, 16, device))
    assert [len(part) for part in found] == sizes
    assert [key for part in found for key, _ in part] == list(range(5))
    assert all((image == key).all() for part in found for key, image in part)


def test_no_more_than_asked_and_no_images_no_batch() -> None:
    images = [(i, np.zeros((1, 8, 8))) for i in range(5)]
    assert [len(part) for part in batches.of(images, 2, "cpu")] == [2, 2, 1]
    assert list(batches.of([], 2, "cpu")) == []

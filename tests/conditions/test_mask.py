import pytest
import torch

from landloom.conditions.mask import Mask, fractions, one_hot
from landloom.raster.labels import IGNORE

MASK = torch.tensor([[[0, 2], [1, IGNORE]]], dtype=torch.uint8)


def test_one_channel_a_class_and_zero_where_ignored() -> None:
    found = one_hot(MASK, 3)
    assert found.dtype == torch.float32
    assert found.tolist() == [[[[1, 0], [0, 0]], [[0, 0], [1, 0]], [[0, 1], [0, 0]]]]


def test_an_ignored_mask_is_the_null_condition() -> None:
    assert not one_hot(torch.full((2, 4, 4), IGNORE, dtype=torch.uint8), 5).any()


def test_fractions_by_hand() -> None:
    rows = [[0, 0, 1, 255], [0, 1, 255, 255], [2, 2, 255, 255], [2, 2, 255, 255]]
    shares, known = fractions(torch.tensor([rows], dtype=torch.uint8), 3, (2, 2))
    assert known.tolist() == [[[[1, 0.25], [1, 0]]]]
    assert shares[0, :, 0, 0].tolist() == pytest.approx([0.75, 0.25, 0])
    assert shares[0, :, 0, 1].tolist() == pytest.approx([0, 1, 0])
    assert shares[0, :, 1, 0].tolist() == pytest.approx([0, 0, 1])
    assert shares[0, :, 1, 1].tolist() == [0, 0, 0]


def test_blocks_take_the_class_of_their_corner() -> None:
    labels = torch.arange(9, dtype=torch.uint8).view(1, 3, 3)
    found = Mask(9, coarse=1.0, block=2).practise(labels)
    assert found.tolist() == [[[0, 0, 2], [0, 0, 2], [6, 6, 8]]]
    assert torch.equal(Mask(9).practise(labels), labels)

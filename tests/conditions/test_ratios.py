import pytest
import torch

from landloom.conditions import ratios as mixes
from landloom.conditions.ratios import VectorTokens


def test_the_vector_by_hand() -> None:
    found = mixes.encode(torch.tensor([[0.25, 0.75]]), torch.tensor([[True, False]]))
    assert found.tolist() == [[0.25, 0, 0.5, 0, 1, 0]]
    assert found.shape[1] == mixes.width(2)


def test_nothing_told_is_zero_whatever_stands_there() -> None:
    ratios = torch.tensor([[0.3, float("nan")]])
    assert mixes.encode(ratios, torch.zeros(1, 2, dtype=torch.bool)).tolist() == [[0.0] * 6]


def test_a_share_of_zero_is_not_the_same_as_nothing_told() -> None:
    ratios = torch.zeros(1, 2)
    told, not_told = (mixes.encode(ratios, torch.full((1, 2), k)) for k in (True, False))
    assert not torch.equal(told, not_told)


def test_known_flags_come_at_their_rates() -> None:
    torch.manual_seed(0)
    known = mixes.draw_known(20000, 4, dropout=0.2, partial=0.5).sum(1)
    # A subset of random size is empty or full once in five each.
    assert (known == 0).float().mean().item() == pytest.approx(0.2 + 0.5 / 5, abs=0.02)
    assert (known == 4).float().mean().item() == pytest.approx(0.3 + 0.5 / 5, abs=0.02)
    assert mixes.draw_known(100, 4, 0.0, 0.0).all()


def test_tokens_start_small_and_alike() -> None:
    torch.manual_seed(0)
    found = VectorTokens(3, 2, 8)(torch.rand(5, 9))
    assert found.shape == (5, 2, 8)
    assert torch.equal(found[0], found[1])
    assert 0 < found.abs().max() < 0.1

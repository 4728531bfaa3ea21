import pytest
import torch

from landloom.metrics.diversity import mean_distance


def test_mean_distance_by_hand() -> None:
    first, second = torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert mean_distance(first, second) == pytest.approx(3)
    assert mean_distance(first[:0], second[:0]) is None

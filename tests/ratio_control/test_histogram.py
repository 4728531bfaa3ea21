import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from landloom.ratio_control import histogram

ALL = torch.ones(1, 3, dtype=torch.bool)


def mean(logits: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
    shares = (logits + bias[:, :, None, None]).softmax(1) * weight[:, None]
    return shares.sum((2, 3)) / weight.sum()


def test_equal_logits_by_hand() -> None:
    """With equal logits everywhere the bias is the log of the target, up to a constant."""
    target = torch.tensor([[0.5, 0.3, 0.2]])
    found = histogram.bias(torch.zeros(1, 3, 2, 2), torch.ones(1, 2, 2), target, ALL)
    assert (found - found[:, :1]).tolist()[0] == pytest.approx((target / 0.5).log().tolist()[0], abs=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_the_target_is_met_on_the_weighted_pixels(seed: int) -> None:
    torch.manual_seed(seed)
    logits, weight = 3 * torch.randn(1, 3, 6, 6), torch.rand(1, 6, 6).round()
    weight[0, 0, 0] = 1
    target = torch.rand(1, 3) + 0.1
    target = target / target.sum()
    found = mean(logits, histogram.bias(logits, weight, target, ALL), weight)
    assert found[0].tolist() == pytest.approx(target[0].tolist(), abs=2e-4)


def test_confident_logits_meet_the_target_where_scaling_alone_takes_hundreds_of_rounds() -> None:
    """As in the last steps of a mask: hardly a pixel is open between classes."""
    torch.manual_seed(0)
    logits, weight = 12 * torch.randn(1, 3, 32, 32), torch.ones(1, 32, 32)
    target, scaled = torch.tensor([[0.1, 0.2, 0.7]]), torch.zeros(1, 3)
    for _ in range(30):
        scaled = scaled + target.log() - mean(logits, scaled, weight).log()
    assert (mean(logits, scaled, weight) - target).abs().max() > 0.01
    found = histogram.bias(logits, weight, target, ALL)
    assert (mean(logits, found, weight) - target).abs().max() < 2e-4


def test_masks_of_one_batch_do_not_change_each_other() -> None:
    """As on a GPU, where all are solved together: the quick one does not move while the slow one does."""
    torch.manual_seed(0)
    flat = torch.stack([torch.zeros(3, 64), 12 * torch.randn(3, 64)])
    odds, pixels = (flat - flat.amax(1, keepdim=True)).exp(), torch.full((2, 64), 1 / 64)
    known, target = torch.ones(2, 3, dtype=torch.bool), torch.tensor([[1 / 3] * 3, [0.1, 0.2, 0.7]])
    groups = torch.cat([torch.diag_embed(known), (~known)[:, :, None]], 2).float()
    wanted = histogram.group_targets(target, known)
    together = histogram.solved(odds, pixels, groups, wanted, 30)
    alone = [
        histogram.solved(odds[i : i + 1], pixels[:1], groups[:1], wanted[i : i + 1], 30) for i in range(2)
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)


def test_open_classes_keep_their_proportions() -> None:
    torch.manual_seed(0)
    logits, weight = torch.randn(1, 4, 8, 8), torch.ones(1, 8, 8)
    known = torch.tensor([[True, False, False, False]])
    bias = histogram.bias(logits, weight, torch.tensor([[0.6, 9.0, 9.0, 9.0]]), known)
    assert mean(logits, bias, weight)[0, 0].item() == pytest.approx(0.6, abs=1e-3)
    assert bias[0, 1].item() == pytest.approx(bias[0, 2].item()) == pytest.approx(bias[0, 3].item())


def test_a_class_that_is_not_wanted_vanishes() -> None:
    logits, weight = torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4)
    bias = histogram.bias(logits, weight, torch.tensor([[0.5, 0.5, 0.0]]), ALL)
    assert mean(logits, bias, weight)[0, 2] < 1e-6


def test_nothing_bound_changes_nothing() -> None:
    torch.manual_seed(0)
    logits, weight = torch.randn(1, 3, 4, 4), torch.ones(1, 4, 4)
    bias = histogram.bias(logits, weight, torch.zeros(1, 3), ~ALL)
    assert mean(logits, bias, weight).tolist()[0] == pytest.approx(logits.softmax(1).mean((2, 3)).tolist()[0])


def test_what_remains_by_hand() -> None:
    # 10 pixels: 5 and 5 are wanted, 4 and 2 are drawn; 1 and 3 of the last 4 must follow.
    found = histogram.remaining(torch.tensor([[0.5, 0.5]]), torch.tensor([[4.0, 2.0]]), 10)
    assert found.tolist() == [[0.25, 0.75]]
    # Too many are drawn already: none more.
    assert histogram.remaining(torch.tensor([[0.2, 0.8]]), torch.tensor([[4.0, 2.0]]), 10)[0, 0] == 0


def test_a_mask_does_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(0)
    logits, weight = 3 * torch.randn(3, 7, 96, 96), torch.rand(3, 96, 96)
    target, known = torch.full((3, 7), 1 / 7), torch.ones(3, 7, dtype=torch.bool)
    together = histogram.bias(logits, weight, target, known)
    alone = [histogram.bias(logits[i : i + 1], weight[i : i + 1], target[:1], known[:1]) for i in range(3)]
    assert torch.equal(together, torch.cat(alone))

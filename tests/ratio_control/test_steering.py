import pytest
import torch

from landloom.diffusion import noise
from landloom.ratio_control.proportion import LatentProbe
from landloom.ratio_control.steering import ProbeSteering
from tests import bases

NAN = float("nan")


def probe() -> LatentProbe:
    torch.manual_seed(0)
    return LatentProbe(4, 3).requires_grad_(False)


def gap(found: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (probe().proportions(found) - target).abs().nansum(1)


def test_it_moves_the_shares_towards_the_target() -> None:
    latents, target = torch.randn(2, 4, 8, 8), torch.tensor([[0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    moved = ProbeSteering(probe(), target, 10.0, 20)(latents, 0)
    assert (gap(moved, target) < 0.8 * gap(latents, target)).all()
    assert not moved.requires_grad


def test_a_step_of_zero_moves_nothing() -> None:
    latents = torch.randn(1, 4, 8, 8)
    assert torch.equal(ProbeSteering(probe(), torch.tensor([[1.0, 0, 0]]), 0.0, 3)(latents, 0), latents)


def test_open_classes_do_not_pull() -> None:
    latents = torch.randn(1, 4, 8, 8)
    met = probe().proportions(latents)[:, :1]
    target = torch.cat([met, torch.full((1, 2), NAN)], 1)
    moved = ProbeSteering(probe(), target, 0.5, 1)(latents, 0)
    assert (moved - latents).abs().max() < 1e-4
    nothing = ProbeSteering(probe(), torch.full((1, 3), NAN), 0.5, 1)(latents, 0)
    assert torch.equal(nothing, latents)


@pytest.mark.parametrize("kind", ["v_prediction", "epsilon"])
def test_a_shifted_prediction_has_shifted_clean_latents(kind: str) -> None:
    scheduler = bases.bundle(prediction=kind).scheduler
    x, prediction, change = (torch.randn(3, 4, 2, 2) for _ in range(3))
    t = torch.tensor([10, 400, 900])
    before = noise.clean(scheduler, x, t, prediction)
    after = noise.clean(scheduler, x, t, noise.shifted(scheduler, t, prediction, change))
    assert torch.allclose(after - before, change, atol=1e-2, rtol=1e-2)

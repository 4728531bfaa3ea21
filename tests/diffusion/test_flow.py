"""Flow matching: noise, steps, targets and solvers of Stable Diffusion 3's schedule."""

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from landloom.diffusion import noise

SCHEDULE = FlowMatchEulerDiscreteScheduler(shift=3.0)
LATENTS = torch.randn(64, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_true_target_gives_the_clean_latents() -> None:
    noisy, t, target = noise.add_noise(SCHEDULE, LATENTS)
    assert not torch.allclose(noisy, LATENTS, atol=0.1)
    assert torch.allclose(noise.clean(SCHEDULE, noisy, t, target), LATENTS, atol=1e-5)


def test_noising_agrees_with_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = torch.randn_like(LATENTS)
    monkeypatch.setattr(noise.torch, "randn_like", lambda x: drawn)
    noisy, t, target = noise.add_noise(SCHEDULE, LATENTS)
    assert torch.allclose(noisy, SCHEDULE.scale_noise(LATENTS, t, drawn), atol=1e-5)
    assert torch.equal(target, drawn - LATENTS)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_steps_follow_the_logit_normal_law_moved_by_the_shift(shift: float) -> None:
    torch.manual_seed(0)
    schedule = FlowMatchEulerDiscreteScheduler(shift=shift)
    sigma = noise.drawn_steps(schedule, 20_000, torch.device("cpu")) / 1000
    level = torch.logit((sigma / (shift - (shift - 1) * sigma)).double())  # before the shift
    assert float(level.mean()) == pytest.approx(0, abs=0.03)
    assert float(level.std()) == pytest.approx(1, abs=0.03)
    assert float(sigma.median()) == pytest.approx(shift * 0.5 / (1 + (shift - 1) * 0.5), abs=0.01)


def test_signal_share_by_hand() -> None:
    found = noise.alpha_bar(SCHEDULE, torch.tensor([1000.0, 500.0, 200.0]))
    assert found.shape == (3, 1, 1, 1)
    assert found.flatten().tolist() == pytest.approx([0, 0.5, 0.64 / 0.68])


def test_no_weights_beside_the_law_of_the_steps() -> None:
    assert noise.snr_weights(SCHEDULE, torch.tensor([10.0, 900.0]), 5.0).tolist() == [1, 1]


def test_a_shifted_prediction_moves_the_clean_latents() -> None:
    noisy, t, _ = noise.add_noise(SCHEDULE, LATENTS)
    prediction, change = torch.randn_like(noisy), torch.randn_like(noisy)
    before = noise.clean(SCHEDULE, noisy, t, prediction)
    after = noise.clean(SCHEDULE, noisy, t, noise.shifted(SCHEDULE, t, prediction, change))
    assert torch.allclose(after - before, change, atol=1e-3)


@pytest.mark.parametrize(("strength", "sigma"), [(1.0, 1.0), (0.5, 3 * 0.5 / (1 + 2 * 0.5))])
def test_a_single_step_starts_at_a_share_of_the_schedule(strength: float, sigma: float) -> None:
    assert noise.only_step(SCHEDULE, strength) == pytest.approx(1000 * sigma)


@pytest.mark.parametrize("name", noise.SOLVERS)
def test_solvers_reach_the_data_along_a_straight_flow(name: str) -> None:
    """One image alone: its flow is ``(x - image) / sigma``, and every solver ends at it."""
    solver = noise.solver(SCHEDULE, name, 6, torch.device("cpu"))
    x, image = torch.randn(1, 4, 8, 8), LATENTS[:1]
    for t in solver.timesteps:
        sigma = t / 1000
        x = solver.step((x - image) / sigma, t, x, return_dict=False)[0]
    assert torch.allclose(x, image, atol=1e-3)


def test_solvers_keep_to_the_shift_and_to_exact_steps() -> None:
    solver = noise.solver(SCHEDULE, "unipc", 4, torch.device("cpu"))
    even: Tensor = torch.linspace(1, 1 / 1000, 5)[:-1]
    assert torch.allclose(solver.timesteps, 1000 * 3 * even / (1 + 2 * even), atol=0.01)

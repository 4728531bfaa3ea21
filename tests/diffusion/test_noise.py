import math

import pytest
import torch
from torch import Tensor

from landloom.diffusion import noise
from tests import bases

KINDS = ["v_prediction", "epsilon"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_target_gives_the_clean_latents(kind: str) -> None:
    scheduler = bases.bundle(prediction=kind).scheduler
    latents = torch.randn(64, 4, 8, 8)
    noisy, t, target = noise.add_noise(scheduler, latents)
    assert len(set(t.tolist())) > 32
    assert not torch.allclose(noisy, latents, atol=0.1)
    assert torch.allclose(noise.clean(scheduler, noisy, t, target), latents, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_noising_agrees_with_diffusers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = bases.bundle(prediction=kind).scheduler
    latents, drawn = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    monkeypatch.setattr(noise.torch, "randn_like", lambda x: drawn)
    noisy, t, target = noise.add_noise(scheduler, latents)
    assert torch.allclose(noisy, scheduler.add_noise(latents, drawn, t), atol=1e-6)
    wanted = drawn if kind == "epsilon" else scheduler.get_velocity(latents, drawn, t)
    assert torch.allclose(target, wanted, atol=1e-6)


def test_steps_cover_the_schedule() -> None:
    torch.manual_seed(0)
    _, t, _ = noise.add_noise(bases.bundle().scheduler, torch.zeros(20_000, 1, 1, 1))
    assert (t.min(), t.max()) == (0, 999)


def test_signal_share_by_hand() -> None:
    # Stable Diffusion's schedule: beta grows linearly in its square root.
    beta = [(math.sqrt(0.00085) + i * (math.sqrt(0.012) - math.sqrt(0.00085)) / 999) ** 2 for i in range(2)]
    found = noise.alpha_bar(bases.bundle(prediction="epsilon").scheduler, torch.tensor([0, 1]))
    assert found.shape == (2, 1, 1, 1)
    assert found.flatten().tolist() == pytest.approx([1 - beta[0], (1 - beta[0]) * (1 - beta[1])])


def test_v_prediction_ends_in_pure_noise() -> None:
    last = torch.tensor([999])
    assert noise.alpha_bar(bases.bundle().scheduler, last).item() == pytest.approx(0, abs=1e-7)
    assert noise.alpha_bar(bases.bundle(prediction="epsilon").scheduler, last).item() > 1e-3


class Schedule:
    """A schedule with signal shares 0.9 and 0.2: SNR 9 and 0.25."""

    alphas_cumprod: Tensor = torch.tensor([0.9, 0.2])

    def __init__(self, kind: str) -> None:
        self.config = type("Config", (), {"prediction_type": kind})


@pytest.mark.parametrize(("kind", "wanted"), [("v_prediction", [0.5, 1]), ("epsilon", [5 / 9, 1])])
def test_min_snr_weights_by_hand(kind: str, wanted: list[float]) -> None:
    found = noise.snr_weights(Schedule(kind), torch.tensor([0, 1]), 5.0)  # type: ignore[arg-type]
    assert found.tolist() == pytest.approx(wanted)


def test_gamma_0_weighs_all_alike() -> None:
    weights = noise.snr_weights(Schedule("epsilon"), torch.tensor([0, 1]), 0)  # type: ignore[arg-type]
    assert weights.tolist() == [1, 1]


def test_weighted_error_by_hand() -> None:
    error = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1).expand(2, 4, 8, 8)
    found = noise.weighted_mse(error, torch.zeros(2, 4, 8, 8), torch.tensor([0.5, 2]))
    assert found.item() == pytest.approx((0.5 * 1 + 2 * 9) / 2)

"""Noising, targets and weights, for the scheduler's own prediction type."""

import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_snr
from torch import Tensor


def alpha_bar(scheduler: DDPMScheduler, t: Tensor) -> Tensor:
    """Signal share of the noisy latent at steps t (B,), shaped (B, 1, 1, 1)."""
    return scheduler.alphas_cumprod.to(t.device)[t].view(-1, 1, 1, 1)


def add_noise(scheduler: DDPMScheduler, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Draw steps and noise: noisy latents, steps (B,), and the target of the prediction."""
    steps = scheduler.config.num_train_timesteps
    t = torch.randint(0, steps, (len(latents),), device=latents.device)
    noise = torch.randn_like(latents)
    velocity = scheduler.config.prediction_type == "v_prediction"
    target = scheduler.get_velocity(latents, noise, t) if velocity else noise
    return scheduler.add_noise(latents, noise, t), t, target


def only_step(scheduler: DDPMScheduler, strength: float) -> int:
    """Schedule step that single-step sampling starts from, at a share of the schedule (0 to 1)."""
    return max(0, round(strength * int(scheduler.config.num_train_timesteps)) - 1)


def clean(scheduler: DDPMScheduler, noisy: Tensor, t: Tensor, prediction: Tensor) -> Tensor:
    """Predicted clean latents z0_hat of noisy latents at steps t."""
    a = alpha_bar(scheduler, t)
    if scheduler.config.prediction_type == "v_prediction":
        return a.sqrt() * noisy - (1 - a).sqrt() * prediction
    return (noisy - (1 - a).sqrt() * prediction) / a.sqrt().clamp_min(1e-4)


def shifted(scheduler: DDPMScheduler, t: Tensor, prediction: Tensor, change: Tensor) -> Tensor:
    """The prediction whose clean latents differ by ``change`` from those of ``prediction`` at steps t."""
    a = alpha_bar(scheduler, t)
    signal = torch.ones_like(a) if scheduler.config.prediction_type == "v_prediction" else a.sqrt()
    return prediction - signal * change / (1 - a).sqrt().clamp_min(1e-4)


def snr_weights(scheduler: DDPMScheduler, t: Tensor, gamma: float) -> Tensor:
    """Loss weights (B,) by signal-to-noise ratio; all 1 if gamma is 0.

    For noise the min-SNR weights of Hang et al. 2023, min(SNR, gamma) / SNR. For v theirs would be
    min(SNR, gamma) / (SNR + 1), which is 0 where no signal is left: there the class mix of a mask is decided,
    and it would stay untrained. So it is min(SNR + 1, gamma) / (SNR + 1) here, which is 1 there.
    """
    if not gamma:
        return torch.ones(len(t), device=t.device)
    snr = compute_snr(scheduler, t)
    if scheduler.config.prediction_type == "v_prediction":
        snr = snr + 1
    return snr.clamp_max(gamma) / snr.clamp_min(1e-8)


def weighted_mse(prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean over samples of weight times mean squared error."""
    return (weights * (prediction.float() - target.float()).square().flatten(1).mean(1)).mean()

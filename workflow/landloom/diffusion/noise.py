"""Noising, targets and weights, by the base's own scheduler: of diffusion, or of flow matching.

A noisy latent is ``signal * clean + noise * drawn``. In diffusion (DDPMScheduler) the squares of both shares
add up to 1. In flow matching (FlowMatchEulerDiscreteScheduler; Lipman et al. 2023) the shares themselves do,
``(1 - sigma) * clean + sigma * drawn``, and the network predicts the way, ``drawn - clean``.
"""

from typing import Any

import torch
from diffusers import (
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)
from diffusers.training_utils import compute_density_for_timestep_sampling, compute_snr
from torch import Tensor

from landloom.models.families.base import Schedule

SOLVERS = {"unipc": UniPCMultistepScheduler, "dpm++": DPMSolverMultistepScheduler}


def flows(scheduler: Schedule) -> bool:
    """Whether the schedule is one of flow matching; its steps are numbers between whole ones."""
    return isinstance(scheduler, FlowMatchEulerDiscreteScheduler)


def steps_of(scheduler: Schedule, t: Tensor) -> Tensor:
    """Steps as the schedule counts them: whole ones in diffusion."""
    return t if flows(scheduler) else t.long()


def shares(scheduler: Schedule, t: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of clean latents and of noise at steps t (B,), each shaped (B, 1, 1, 1)."""
    if isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        sigma = (t.float() / scheduler.config.num_train_timesteps).view(-1, 1, 1, 1)
        return 1 - sigma, sigma
    a = scheduler.alphas_cumprod.to(t.device)[t].view(-1, 1, 1, 1)
    return a.sqrt(), (1 - a).sqrt()


def alpha_bar(scheduler: Schedule, t: Tensor) -> Tensor:
    """Share of the signal in the power of the noisy latent at steps t (B,), shaped (B, 1, 1, 1)."""
    if flows(scheduler):
        signal, noise = shares(scheduler, t)
        return signal.square() / (signal.square() + noise.square())
    return scheduler.alphas_cumprod.to(t.device)[t].view(-1, 1, 1, 1)


def add_noise(scheduler: Schedule, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Draw steps and noise: noisy latents, steps (B,), and the target of the prediction."""
    t = drawn_steps(scheduler, len(latents), latents.device)
    noise = torch.randn_like(latents)
    if flows(scheduler):
        target = noise - latents
    else:
        velocity = scheduler.config.prediction_type == "v_prediction"
        target = scheduler.get_velocity(latents, noise, t) if velocity else noise
    return noised(scheduler, latents, noise, t), t, target


def drawn_steps(scheduler: Schedule, count: int, device: torch.device) -> Tensor:
    """Random steps (B,): all alike in diffusion, by a logit-normal law in flow matching (Esser et al. 2024).

    The law draws most of them in the middle, where a flow is hardest to tell; the schedule's own ``shift``
    then moves them to where there is more noise.
    """
    steps = int(scheduler.config.num_train_timesteps)
    if not flows(scheduler):
        return torch.randint(0, steps, (count,), device=device)
    u = compute_density_for_timestep_sampling("logit_normal", count, logit_mean=0.0, logit_std=1.0)
    return torch.as_tensor(scheduler.timesteps[(u * steps).long().clamp_max(steps - 1)]).to(device)


def noised(scheduler: Schedule, latents: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Noisy latents (B, c, h, w) at steps (B,) or one."""
    if isinstance(scheduler, DDPMScheduler):
        return scheduler.add_noise(latents, noise, t)
    signal, share = shares(scheduler, t)
    return signal * latents + share * noise


def only_step(scheduler: Schedule, strength: float) -> float:
    """Schedule step that single-step sampling starts from, at a share of the schedule (0 to 1)."""
    steps = int(scheduler.config.num_train_timesteps)
    step = max(0, round(strength * steps) - 1)
    return float(scheduler.timesteps[steps - 1 - step]) if flows(scheduler) else step


def clean(scheduler: Schedule, noisy: Tensor, t: Tensor, prediction: Tensor) -> Tensor:
    """Predicted clean latents z0_hat of noisy latents at steps t."""
    signal, noise = shares(scheduler, t)
    if flows(scheduler):
        return noisy - noise * prediction
    if scheduler.config.prediction_type == "v_prediction":
        return signal * noisy - noise * prediction
    return (noisy - noise * prediction) / signal.clamp_min(1e-4)


def shifted(scheduler: Schedule, t: Tensor, prediction: Tensor, change: Tensor) -> Tensor:
    """The prediction whose clean latents differ by ``change`` from those of ``prediction`` at steps t."""
    signal, noise = shares(scheduler, t)
    straight = flows(scheduler) or scheduler.config.prediction_type == "v_prediction"
    signal = torch.ones_like(signal) if straight else signal
    return prediction - signal * change / noise.clamp_min(1e-4)


def snr_weights(scheduler: Schedule, t: Tensor, gamma: float) -> Tensor:
    """Loss weights (B,) by signal-to-noise ratio; all 1 if gamma is 0, and in flow matching.

    For noise the min-SNR weights of Hang et al. 2023, min(SNR, gamma) / SNR. For v theirs would be
    min(SNR, gamma) / (SNR + 1), which is 0 where no signal is left: there the class mix of a mask is decided,
    and it would stay untrained. So it is min(SNR + 1, gamma) / (SNR + 1) here, which is 1 there. In flow
    matching the law of the steps does what weights would do.
    """
    if not gamma or flows(scheduler):
        return torch.ones(len(t), device=t.device)
    snr = compute_snr(scheduler, t)
    if scheduler.config.prediction_type == "v_prediction":
        snr = snr + 1
    return snr.clamp_max(gamma) / snr.clamp_min(1e-8)


def solver(scheduler: Schedule, name: str, steps: int, device: torch.device) -> Any:
    """A few-step solver of SOLVERS for the schedule, set to so many steps."""
    if not flows(scheduler):
        made = SOLVERS[name].from_config(scheduler.config)
        made.set_timesteps(steps, device=device)
        return made
    count = scheduler.config.num_train_timesteps
    made = SOLVERS[name](
        count, prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=scheduler.config.shift
    )
    made.set_timesteps(steps, device=device)
    made.timesteps = made.sigmas[:-1].to(device) * count  # diffusers cuts them to whole steps
    return made


def weighted_mse(prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean over samples of weight times mean squared error."""
    return (weights * (prediction.float() - target.float()).square().flatten(1).mean(1)).mean()

"""Sampling latents: few-step solvers, classifier-free guidance, one seed a sample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from landloom.conditions.group import Conditions, Given
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.noise import clean, noised, only_step, shifted, steps_of
from landloom.diffusion.noise import solver as solver_of
from landloom.models.families.base import Schedule
from landloom.runtime import tracing

Steering = Callable[[Tensor, int], Tensor]
"""Moves predicted clean latents (B, c, h, w), told the number of the sampling step."""


def one_after_another(steers: Sequence[Steering]) -> Steering:
    """One steering that moves by each in turn."""

    def moved(latents: Tensor, number: int) -> Tensor:
        for steer in steers:
            latents = steer(latents, number)
        return latents

    return moved


@dataclass(frozen=True)
class Guidance:
    """One direction of guidance: away from what is predicted when some conditions are not told.

    Attributes:
        weight: how much is added, ``scale - 1`` of classifier-free guidance (Ho and Salimans 2022).
        names: the conditions that are not told.
        key: the setting that asks for it, for messages.
    """

    weight: float
    names: frozenset[str]
    key: str = "guidance"


def guidance(conditions: Conditions, name: str, scale: float, key: str) -> list[Guidance]:
    """Guidance by a condition, with those that are never told without it; none if the scale is 1.

    Raises:
        InputError: the model was never trained without them.
    """
    names = conditions.joined(name)
    if scale != 1:
        conditions.require_null(names, key)
    return [Guidance(scale - 1, names, key)] if scale != 1 else []


def noise(seeds: Sequence[int], shape: tuple[int, ...]) -> Tensor:
    """Starting noise (B, *shape), each sample from its own seed, so that batching does not change it."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds])


@torch.no_grad()
def sample(
    denoiser: Denoiser, schedule: Schedule, given: Given, seeds: Sequence[int], steps: int, side: int,
    guides: Sequence[Guidance] = (), steer: Steering | None = None, solver: str = "unipc",
    start: Tensor | None = None, strength: float = 1.0,
) -> Tensor:  # fmt: skip
    """Sample latents (B, c, side, side).

    Args:
        denoiser: the trained denoiser.
        schedule: noise schedule of the base.
        given: what it is told (B, ...), by name of the condition.
        seeds: one per sample.
        steps: denoising steps.
        side: latent side.
        guides: guidance, added up: ``full + sum of weight * (full - without names)``.
        steer: moves predicted clean latents.
        solver: one of ``noise.SOLVERS``.
        start: clean latents (B, c, side, side) to begin with, under noise; pure noise when absent.
        strength: of that noise, as a share of the schedule, of whose steps only that share is taken; 1
            without a start.

    Raises:
        InputError: guidance leaves out what was never left out in training.
    """
    device, channels = denoiser.network.device, denoiser.network.config.in_channels
    guess = Guided(denoiser, given, guides)
    scheduler = solver_of(schedule, solver, steps, device)
    x = noise(seeds, (channels, side, side)).to(device) * scheduler.init_noise_sigma
    skipped = steps - taken(steps, strength)
    timesteps = scheduler.timesteps[skipped:]
    if steps == 1:  # solvers cannot be told where to begin
        timesteps = timesteps.new_tensor([only_step(schedule, strength)])
    if start is not None:
        scheduler.set_begin_index(skipped)
        x = noised(schedule, start.to(device).float(), x, steps_of(schedule, timesteps[:1]))
    for number, t in enumerate(timesteps):
        tracing.step()
        out, now = guess(x, t), steps_of(schedule, t.repeat(len(x)).to(device))
        # A solver wants the network's prediction, steering moves clean latents: there and back again.
        if steer:
            found = clean(schedule, x, now, out)
            out = shifted(schedule, now, out, steer(found, number) - found)
        if steps == 1:
            return clean(schedule, x, now, out)
        x = scheduler.step(out, t, x, return_dict=False)[0]
    return x


class Guided:
    """A denoiser under conditions with guidance; all branches go through it as one batch."""

    def __init__(self, denoiser: Denoiser, given: Given, guides: Sequence[Guidance]) -> None:
        conditions, device, self.dtype = denoiser.conditions, denoiser.network.device, denoiser.network.dtype
        for g in guides:
            conditions.require_null(g.names, g.key)
        branches = [*(conditions.without(given, g.names) for g in guides), given]
        self.denoiser = denoiser
        told = {n: torch.cat([b[n] for b in branches]).to(device) for n in given}
        self.told = denoiser.enter(told, self.dtype)
        # full + sum of weight * (full - without), with the terms of ``full`` collected.
        self.weights = [*(-g.weight for g in guides), 1 + sum(g.weight for g in guides)]

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """Prediction (B, c, h, w) for noisy latents at a step, in fp32."""
        copies = x.repeat(len(self.weights), 1, 1, 1).to(self.dtype)
        parts = self.denoiser.predicted(copies, t, self.told).float().chunk(len(self.weights))
        pairs = zip(self.weights, parts, strict=True)
        return sum((w * part for w, part in pairs), torch.zeros_like(x))


def taken(steps: int, strength: float) -> int:
    """Steps that a start of some strength leaves: whole ones, at least one."""
    return max(1, int(steps * strength + 1e-6))

"""The training loop, the same for autoencoder, denoiser, LoRA, ControlNet and segmentation.

Batches and all random numbers of a step depend on (seed, step, process) alone, so a job that was killed goes
on from its last checkpoint as if it had not been: to the same bits on a CPU, where only deterministic
algorithms are used. On CUDA it takes the same steps, but some sums there are taken in varying order unless
``run.deterministic`` is set.
"""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from landloom.config.run import RunConfig
from landloom.config.training import Training
from landloom.errors import Interrupted
from landloom.runtime import determinism, tracing
from landloom.runtime.signals import StopRequest
from landloom.training import checkpoint, optimizers, precision
from landloom.training.metrics_log import Progress
from landloom.training.micro_batches import MicroBatches


class Objective(Protocol):
    """What is trained.

    Attributes:
        module: its parameters that require gradients are trained; everything else stays as it is.
        size: number of samples; the loop draws indices below it.
        betas: of AdamW; an objective may leave them out.
        players: parts of ``module`` whose gradients are clipped each by its own norm, so that no one's loss
            slows another down; may be left out, and must hold all trained parameters otherwise.
        prefetch: is given the indices of the next step once this one's are used, and a generator that draws
            the random numbers which that step draws; may be left out. It must not touch torch's own.
    """

    module: nn.Module
    size: int

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Loss of the samples at ``index`` (B,): scalars, of which 'loss' is minimised, the rest shown.

        ``module`` is ``self.module``, wrapped for several processes. Random numbers come from torch's global
        generator, which the loop seeds anew for each step.
        """
        ...


def train(objective: Objective, config: Training, how: RunConfig, seed: int, state: Path, name: str) -> None:
    """Train ``objective.module`` in place; on return it holds the final (averaged, if ``ema``) weights.

    Args:
        objective: what is trained.
        config: steps, rates, precision.
        how: intervals of log and checkpoint.
        seed: seed of batches and noise.
        state: folder of checkpoint, metrics.jsonl and TensorBoard files; found again after a restart.
        name: shown in the progress line.

    Raises:
        Interrupted: SIGTERM or SIGUSR1 came; the state is saved.
    """
    AcceleratorState._reset_state()  # a process may train twice, in other precision; its group stays
    mixed = "bf16" if precision.dtype(config.precision) is torch.bfloat16 else "no"
    accelerator = Accelerator(mixed_precision=mixed, cpu=not torch.cuda.is_available())
    device, rank, world = accelerator.device, accelerator.process_index, accelerator.num_processes
    if config.batch % world:
        raise ValueError(f"batch {config.batch} cannot be shared by {world} processes")
    determinism.choose(torch, device.type, how)
    bare = objective.module.to(device)
    if how.gradient_checkpointing:
        recompute(bare)
    weights = [p for p in bare.parameters() if p.requires_grad]
    optimizer = optimizers.build(config, weights, getattr(objective, "betas", (0.9, 0.999)))
    players = clipped_apart(objective, weights)
    # Statistics of batch norm belong to the weights they were taken with: both are averaged, or neither.
    averaged = [*(w.detach() for w in weights), *(b for b in bare.buffers() if b.is_floating_point())]
    average = [t.clone() for t in averaged] if config.ema else []
    # Before ``prepare`` wraps them: a checkpoint must load whatever the number of processes.
    start = checkpoint.load(state, bare, optimizer, average)
    module, optimizer = accelerator.prepare(bare, optimizer)
    if config.compile:
        module = torch.compile(module)

    def save(step: int) -> None:
        if rank == 0:
            checkpoint.save(state, step, bare, optimizer, average)

    def announcer(step: int) -> Callable[[], None]:
        """Begins to read what a step needs, while the one before it is computed."""
        if ahead is None or step >= config.steps:
            return lambda: None
        draws = torch.Generator().manual_seed(step_seed(seed, step, rank))
        index = batch_index(seed, objective.size, config.batch, step)[rank::world]
        return cache(partial(ahead, index, draws))  # a step that is taken again announces once

    micro = MicroBatches(objective, accelerator, state)
    log_due, save_due = Interval(how.log), Interval(how.checkpoint)
    ahead = getattr(objective, "prefetch", None)
    bare.train()
    with Progress(state, name, start, config.steps, rank == 0) as progress, StopRequest() as stop:
        if start < config.steps and stop.agreed(accelerator):
            progress.say(f"told to stop before step {start + 1}, run again to go on")
            raise Interrupted
        for step in range(start, config.steps):
            tracing.step()
            # A step draws from nothing but seed, step and process. So a run that was cut off goes on with the
            # very numbers it would have had, and no generator has to be saved.
            here = step_seed(seed, step, rank)
            # All processes draw the same batch, and each takes its part of it.
            index = batch_index(seed, objective.size, config.batch, step)[rank::world]
            rate = learning_rate(config, step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            losses = micro.backward(module, index.to(device), here, announcer(step + 1))
            norms = [accelerator.clip_grad_norm_(p, config.clip) for p in players]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if average:
                torch._foreach_lerp_(average, averaged, 1 - ema_decay(config.ema, step))
            done, stopping = step + 1, stop.agreed(accelerator)
            if log_due() or done in (start + 1, config.steps) or stopping:
                norm = math.hypot(*map(float, norms))
                progress.log(done, {k: v.item() for k, v in losses.items()} | {"lr": rate, "norm": norm})
            if done == config.steps or stopping:
                save(done)
                accelerator.wait_for_everyone()  # torchrun ends all processes when the first one ends
            elif save_due():  # each process has its own clock, so none waits for another here
                save(done)
            if stopping and done < config.steps:
                progress.say(f"told to stop: saved at step {done}, run again to go on")
                raise Interrupted
    if average:
        torch._foreach_copy_(averaged, average)
    # The accelerator put autocast around ``forward`` for good: what is used now must be what will be loaded.
    accelerator.unwrap_model(module, keep_fp32_wrapper=False)
    bare.eval()


def recompute(module: nn.Module) -> None:
    """Have the networks of diffusers in a module compute activations anew for gradients, not keep them."""
    for part in module.modules():
        if getattr(part, "_supports_gradient_checkpointing", False):  # without importing diffusers
            part.enable_gradient_checkpointing()  # type: ignore[operator]


class Interval:
    """Whether so many seconds have passed since it last said yes; with 0 it always says yes."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def __call__(self) -> bool:
        """Whether it is time; if so, the next interval begins."""
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


def clipped_apart(objective: Objective, weights: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Trained parameters of each of an objective's players; all together when it names none."""
    players: Sequence[nn.Module] = getattr(objective, "players", ())
    found = [[p for p in player.parameters() if p.requires_grad] for player in players] or [weights]
    assert sum(map(len, found)) == len(weights), "players must hold each trained parameter once"
    return found


def step_seed(seed: int, step: int, rank: int) -> int:
    """Seed of one step of one process (SplitMix64 finaliser, so that neighbours are unrelated)."""
    x = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + rank * 0x94D049BB133111EB + 1) % 2**64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) % 2**64
    return (x ^ (x >> 31)) % 2**63


def batch_index(seed: int, size: int, batch: int, step: int) -> Tensor:
    """Indices (B,) of a step: an endless row of seeded permutations of ``size``, cut into batches."""
    if size < 1:
        raise ValueError("there is nothing to train on")
    first, last = step * batch, (step + 1) * batch
    rows = []
    for epoch in range(first // size, (last - 1) // size + 1):
        generator = torch.Generator().manual_seed(step_seed(seed, epoch, 2**31))
        order = torch.randperm(size, generator=generator)
        rows.append(order[max(first - epoch * size, 0) : last - epoch * size])
    return torch.cat(rows)


def learning_rate(config: Training, step: int) -> float:
    """Linear warm-up, then half a cosine down to a tenth of the peak."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    done = (step - config.warmup) / max(config.steps - config.warmup, 1)
    return config.lr * (0.55 + 0.45 * math.cos(math.pi * done))


def ema_decay(target: float, step: int) -> float:
    """Decay of the moving average, smaller in the first steps so that the start is forgotten."""
    return min(target, (1 + step) / (10 + step))


def device() -> torch.device:
    """The device this process works on."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device("cpu")

"""Training a LoRA and a ControlNet, against loops as diffusers' examples write them.

python benchmarks/training_steps.py [--steps 8] [--pairs 5] [--only lora controlnet memory]

The other loop (train_text_to_image_lora.py, train_controlnet.py) opens, scales and encodes the images and the
texts of a batch at every step, and has AdamW as torch builds it. Model, batch, precision, rates and random
numbers are the same, and so are the losses, which is checked.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import machine
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from bench_base import (
    CAPTIONS,
    CLASSES,
    FULL,
    PRECISION,
    SUFFIX,
    THREADS,
    back,
    bundle,
    cached,
    copied,
    pixels,
    scaled,
)
from comparison import interleaved, report
from peft import LoraConfig
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from landloom.conditions.group import Conditions
from landloom.conditions.mask import Mask, one_hot
from landloom.conditions.text import Text
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.run import RunConfig
from landloom.config.training import Training
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.objective import DenoisingObjective
from landloom.training import loop
from landloom.training.loop import batch_index, device, step_seed, train

BATCH = 16
NAMES = {"lora": "LoRA", "controlnet": "ControlNet"}
QUIET = RunConfig(log=1e9, checkpoint=1e9)
MEMORY_GOAL = 2.0
REASON = (
    "The other loop computes {more:.2f} times the FLOPs, which bounds what a cache can give at this size; of "
    "Stable Diffusion 1.5 at 512 px it computes 1.66 times (LoRA) and 1.50 times (ControlNet). Layers in "
    "channels_last would bring 1.05 to 1.07 more, with other last bits; torch.compile 1.12 after minutes."
)


class Sides:
    """Two ways to train the same thing.

    Args:
        kind: 'lora' or 'controlnet'.
    """

    def __init__(self, kind: str) -> None:
        self.kind, self.model = kind, bundle()
        self.files, masks = pixels()
        self.masks = torch.from_numpy(masks)
        self.tokens = self.model.tokens(CAPTIONS)
        data, model = cached(self.model, self.files, masks), self.model
        self.control = None
        if kind == "lora":
            model.network.add_adapter(LoraConfig(r=16, target_modules=LabelTrainConfig().targets))
            told = [Text(data.text, "prompt", 0.0)]
        else:
            self.control = controlnet.build(ImageTrainConfig(init="small"), model, CLASSES).to(device())
            told = [Text(data.text, "caption", 0.0), Mask(CLASSES)]
        denoiser = Denoiser(model, Conditions(told), self.control)
        self.objective = DenoisingObjective(denoiser, model.scheduler, data.images, data.columns, 0.0)
        self.before = copied(denoiser)

    def ours(self, steps: int, batch: int) -> Callable[[], float]:
        """Our loop from the cache; answers with its last loss."""

        def run() -> float:
            back(self.objective.module, self.before)
            config = Training(steps=steps, batch=batch, lr=1e-3, warmup=0, precision=PRECISION)
            with tempfile.TemporaryDirectory() as folder:
                train(self.objective, config, QUIET, 0, Path(folder), self.kind)
                return float(
                    json.loads((Path(folder) / "metrics.jsonl").read_text().splitlines()[-1])["loss"]
                )

        return run

    def theirs(self, steps: int, batch: int) -> Callable[[], float]:
        """A loop in the manner of the examples."""

        def run() -> float:
            back(self.objective.module, self.before)
            accelerator = Accelerator(mixed_precision="bf16" if FULL else "no", cpu=not FULL)
            own = self.objective.module
            weights = [p for p in own.parameters() if p.requires_grad]
            optimizer = torch.optim.AdamW(weights, lr=1e-3)
            config, loss = Training(steps=steps, batch=batch, lr=1e-3, warmup=0), torch.zeros(())
            own.train()
            for step in range(steps):
                for group in optimizer.param_groups:
                    group["lr"] = loop.learning_rate(config, step)
                index = batch_index(0, len(self.files), batch, step)
                torch.manual_seed(step_seed(0, step, 0))
                with accelerator.autocast():
                    loss = self._loss(index)
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(weights, 1.0)
                optimizer.step()
                optimizer.zero_grad()
            own.eval()
            return loss.item()

        return run

    def _loss(self, index: Tensor) -> Tensor:
        model, where = self.model, device()
        images = torch.stack([scaled(self.files[i]) for i in index])
        torch.randint(0, 1, (len(index),)), torch.rand(len(index))  # what our objective draws before noise
        with torch.no_grad():
            latents = model.vae.encode(images.to(where)).latent_dist.mean * model.vae.config.scaling_factor
            text = model.text_encoder(self.tokens[index].to(where))[0]
        t = torch.randint(0, model.scheduler.config.num_train_timesteps, (len(index),), device=where)
        noise = torch.randn_like(latents)
        noisy = model.scheduler.add_noise(latents, noise, t)
        more = {} if self.control is None else self._residuals(noisy, t, text, index)
        found = model.unet(noisy, t, text, return_dict=False, **more)[0]
        return F.mse_loss(found.float(), model.scheduler.get_velocity(latents, noise, t).float())

    def _residuals(self, noisy: Tensor, t: Tensor, text: Tensor, index: Tensor) -> dict[str, Tensor]:
        hint = one_hot(self.masks[index], CLASSES).to(device())
        assert self.control is not None
        down, middle = self.control(noisy, t, text, controlnet_cond=hint, return_dict=False)
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    def flops(self) -> tuple[float, float]:
        """Of one of our steps, and of one of theirs."""
        index, found = torch.arange(BATCH), []
        for loss in (
            lambda: self.objective.loss(self.objective.module, index)["loss"],
            lambda: self._loss(index),
        ):
            with FlopCounterMode(display=False) as counter:
                loss().backward()
            self.objective.module.zero_grad()
            found.append(float(counter.get_total_flops()))
        return found[0], found[1]


def same_batch(kind: str, steps: int, pairs: int, goal: float) -> None:
    """Both with the same batch, and equal losses."""
    sides = Sides(kind)
    ours, theirs = sides.ours(steps, BATCH), sides.theirs(steps, BATCH)
    first, second = ours(), theirs()
    assert abs(first - second) < 1e-3 * second, f"losses differ: {first} and {second}"
    ratios, took = interleaved(ours, theirs, pairs)
    mine, other = sides.flops()
    report(
        kind + SUFFIX, f"{NAMES[kind]} training, batch {BATCH}", "a loop as diffusers' example", ratios, goal,
        took=took, floor=machine.share(mine * steps, took), reason=REASON.format(more=other / mine),
    )  # fmt: skip


def peak(kind: str, side: str, batch: int) -> int:
    """Peak resident memory in bytes of a process that trains a few steps with a batch."""
    words = [sys.executable, __file__, "--peak", kind, side, str(batch)]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1])


def equal_memory(kind: str, steps: int, pairs: int) -> None:
    """Ours with the largest batch that takes no more memory than theirs, counted by samples."""
    room, batch = peak(kind, "theirs", BATCH), BATCH
    while batch < 4 * BATCH and peak(kind, "ours", batch + 4) <= room:
        batch += 4
    sides = Sides(kind)
    ratios, took = interleaved(sides.ours(steps, batch), sides.theirs(steps, BATCH), pairs)
    by_sample = [r * batch / BATCH for r in ratios]
    report(
        f"{kind}_memory", f"{NAMES[kind]} training, batch {batch} in the memory of theirs with {BATCH}",
        "a loop as diffusers' example", by_sample, MEMORY_GOAL, took=took, unit="times the samples a second",
        floor=f"{room / 1e9:.2f} GB of resident memory",
        reason="Larger batches bring little on two cores, and the network's own activations take the memory "
        "in both.",
    )  # fmt: skip


def main() -> None:
    """Measure all, or what ``--only`` names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=["lora", "controlnet", "memory"])
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    if given.peak:
        kind, side, batch = given.peak
        getattr(Sides(kind), side)(3, int(batch))()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        return
    for kind, goal in (("lora", 1.7 if FULL else 1.6), ("controlnet", 1.5)):
        if kind in given.only:
            same_batch(kind, given.steps, given.pairs, goal)
    if "memory" in given.only and not FULL:
        equal_memory("lora", given.steps, given.pairs)


if __name__ == "__main__":
    main()

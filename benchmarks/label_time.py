"""What the label generators cost: a step with the loss, a sample with guidance, categorical masks a second.

python benchmarks/label_time.py [--repeats 3] [--size 128] [--batch 16]

Prints the smallest time over the repeats, and its ratio to the plain one. Weights are untrained.
"""

import argparse
import time
from collections.abc import Callable

import torch
from step_time import BATCH, CLASSES, bundle, lora, seconds

from landloom.conditions.group import Conditions
from landloom.conditions.text import Text
from landloom.config.label_sample import Control, LabelSampleConfig
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.sampling import guidance, sample
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.mask_diffusion.sampling import sample as categorical
from landloom.ratio_control.proportion import LatentProbe
from landloom.ratio_control.steering import ProbeSteering
from landloom.training.loop import device

STEPS = 5
CHANNELS = (32, 64, 128)


def best(work: Callable[[], object], repeats: int) -> float:
    """Smallest time of some work, in seconds."""
    found = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        found = min(found, time.perf_counter() - start)
    return found


def training(repeats: int) -> None:
    """A LoRA step with and without the proportion-aware loss."""
    plain, probe = (seconds(lora(route), repeats) for route in (None, "probe"))
    print(f"LoRA step           {1000 * plain:8.0f} ms")
    print(f"  + latent probe    {1000 * probe:8.0f} ms  x{probe / plain:.2f}")


def latent_guidance(repeats: int) -> None:
    """Sampling latents with and without guidance through the probe."""
    model, text = bundle(32), torch.randn(BATCH, 77, 64)
    target = torch.full((BATCH, CLASSES), 1 / CLASSES)
    told = Denoiser(model, Conditions([Text(text, "prompt", 0.1)]))
    guides = guidance(told.conditions, "text", 3.0, "guidance")
    probe = LatentProbe(4, CLASSES).to(device()).requires_grad_(False)
    steer = ProbeSteering(probe, target.to(device()), 0.1, 3)

    def work(how: ProbeSteering | None) -> Callable[[], object]:
        given, seeds = {"text": text}, list(range(BATCH))
        return lambda: sample(told, model.scheduler, given, seeds, STEPS, 32, guides, how)

    plain, guided = (best(work(how), repeats) for how in (None, steer))
    print(f"LoRA sampling step  {1000 * plain / STEPS:8.0f} ms")
    print(f"  + probe guidance  {1000 * guided / STEPS:8.0f} ms  x{guided / plain:.2f}")


def masks(repeats: int, size: int, batch: int) -> None:
    """Categorical sampling with and without histogram guidance."""
    model = MaskDenoiser(CLASSES, size, 4, CHANNELS).eval().to(device())
    ratios, known = torch.full((batch, CLASSES), 1 / CLASSES), torch.ones(batch, CLASSES, dtype=torch.bool)

    def work(histogram: bool) -> Callable[[], object]:
        config = LabelSampleConfig(steps=20, control=Control(histogram=histogram))
        return lambda: categorical(model, ratios, known, range(batch), config)

    plain, guided = (best(work(on), repeats) for on in (False, True))
    print(f"categorical, {size} px  {batch / plain:8.2f} masks/s")
    print(f"  + histogram       {batch / guided:8.2f} masks/s  x{guided / plain:.2f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{name}, {torch.get_num_threads()} threads, batch {BATCH} of {CLASSES} classes")
    training(options.repeats)
    latent_guidance(options.repeats)
    masks(options.repeats, options.size, options.batch)


if __name__ == "__main__":
    main()

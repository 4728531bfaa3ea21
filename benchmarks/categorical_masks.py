"""Categorical masks a second, against the same sampler with guidance by plain scaling.

python benchmarks/categorical_masks.py [--size 128] [--pairs 5]

The other side is how the first edition did it: noise for every pixel at every step, class indices that become
channels by way of 64-bit integers, and thirty rounds of scaling with a softmax each. Both get the same share
of each class, to a point. Weights are random.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import machine
import torch
from bench_base import CLASSES, THREADS
from comparison import interleaved, report
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from landloom.config.label_sample import LabelSampleConfig
from landloom.mask_diffusion import network, sampling
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.mask_diffusion.objective import shares
from landloom.raster.labels import IGNORE
from landloom.ratio_control import histogram
from landloom.training.loop import device

BATCH, STEPS, ROUNDS = 16, 20, 30


def scaled(logits: Tensor, weight: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Bias (B, K) by thirty rounds of scaling all classes, which are all known here."""
    found = torch.zeros_like(target)
    wanted = target / target.sum(1, keepdim=True).clamp_min(1e-8)
    pixels = (weight / weight.sum((1, 2), keepdim=True).clamp_min(1e-8))[:, None]
    for _ in range(ROUNDS):
        mean = ((logits + found[:, :, None, None]).softmax(1) * pixels).sum((2, 3))
        found = (found + wanted.clamp_min(1e-8).log() - mean.clamp_min(1e-8).log()).clamp(-30, 30)
    return found


def one_hot(mask: Tensor, classes: int) -> Tensor:
    """Channels by torch's own function."""
    known = mask != IGNORE
    clean = torch.where(known, mask, torch.zeros_like(mask)).long()
    return (functional.one_hot(clean, classes) * known[..., None]).movedim(-1, 1).float()


def drawn(logits: Tensor, new: Tensor, generators: list[torch.Generator]) -> Tensor:
    """Classes with noise for all pixels, and the place of the largest alone."""
    noise = torch.stack([sampling.gumbel(logits.shape[1:], g) for g in generators]).to(logits.device)
    return (logits + noise).argmax(1).to(torch.uint8)


@contextmanager
def first_edition() -> Iterator[None]:
    """Put the other side's parts in place."""
    parts = [(sampling, "one_hot", one_hot), (network, "one_hot", one_hot), (sampling, "drawn", drawn),
             (histogram, "bias", scaled)]  # fmt: skip
    before = [(module, name, getattr(module, name)) for module, name, _ in parts]
    try:
        for module, name, part in parts:
            setattr(module, name, part)
        yield
    finally:
        for module, name, part in before:
            setattr(module, name, part)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    model = MaskDenoiser(CLASSES, given.size, 4, (32, 64, 128)).eval().to(device())
    ratios, known = torch.full((BATCH, CLASSES), 1 / CLASSES), torch.ones(BATCH, CLASSES, dtype=torch.bool)
    config = LabelSampleConfig(steps=STEPS)

    def ours() -> Tensor:
        return sampling.sample(model, ratios, known, range(BATCH), config)[0]

    def theirs() -> Tensor:
        with first_edition():
            return ours()

    with FlopCounterMode(display=False) as counter:
        first = ours()
    apart = [(shares(m.cpu(), CLASSES) - ratios).abs().mean().item() for m in (first, theirs())]
    assert max(apart) < 0.01, f"shares are {apart} off"
    found, took = interleaved(ours, theirs, given.pairs)
    report(
        "categorical", f"categorical masks of {given.size} px, {BATCH / took:.1f} a second",
        "the first edition's way of sampling", found, 4.0, took=took,
        floor=machine.share(counter.get_total_flops(), took),
        reason="What is left is the network: at the machine's full rate in fp32 it would be three times. "
        "label_sample.precision: bf16 takes 0.6 of the network's time, with other last bits.",
    )  # fmt: skip


if __name__ == "__main__":
    main()

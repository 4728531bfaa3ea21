"""Sampling images for masks, against diffusers' StableDiffusionControlNetPipeline.

python benchmarks/sampling_pairs.py [--count 8] [--pairs 5]

Base, ControlNet, captions, solver, steps, guidance and noise are the same, and so are the images, which is
checked. The pipeline gets one mask at a time, as scripts call it, and then batches of eight. Weights are
random.
"""

import argparse
from collections.abc import Callable

import machine
import torch
from bench_base import CAPTIONS, CLASSES, FACTOR, FULL, PRECISION, SIDE, SUFFIX, THREADS, bundle, pixels
from comparison import interleaved, report
from diffusers import StableDiffusionControlNetPipeline, UniPCMultistepScheduler
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from landloom.conditions.group import Conditions
from landloom.conditions.mask import Mask, one_hot
from landloom.conditions.text import Text
from landloom.config.image_train import ImageTrainConfig
from landloom.data.batches import batches
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.sampling import guidance, noise, sample
from landloom.training.loop import device

STEPS, SCALE, BATCH = 12, 1.5, 8
CELLS = SIDE // FACTOR


class Sides:
    """Two ways to make images (N, 3, H, W) of the same masks."""

    def __init__(self, count: int) -> None:
        dtype = torch.bfloat16 if PRECISION == "bf16" else torch.float32
        self.model = bundle()
        self.model.to(device(), dtype)
        control = controlnet.build(ImageTrainConfig(init="small"), self.model, CLASSES)
        control.to(device(), dtype).eval()
        self.masks, self.captions = torch.from_numpy(pixels()[1][:count]), CAPTIONS[:count]
        told = Conditions([Text(self.model.embed([""]), "caption", 0.1), Mask(CLASSES)])
        self.denoiser, self.control = Denoiser(self.model, told, control), control

    @torch.no_grad()
    def ours(self) -> Tensor:
        """As the stage does it, in batches."""
        guides, made = guidance(self.denoiser.conditions, "text", SCALE, "guidance"), []
        for part in batches(len(self.masks), BATCH):
            seeds = list(range(len(self.masks)))[part]
            given = {"text": self.model.embed(self.captions[part]), "mask": self.masks[part]}
            scheduler = self.model.scheduler
            latents = sample(self.denoiser, scheduler, given, seeds, STEPS, CELLS, guides)
            made.append(self.model.decode(latents.to(self.control.dtype)).float().cpu())
        return torch.cat(made)

    def theirs(self, batch: int) -> Callable[[], Tensor]:
        """As the pipeline does it, so many at a time."""
        pipe = StableDiffusionControlNetPipeline(
            **self.model.parts, controlnet=self.control, safety_checker=None, feature_extractor=None,
            requires_safety_checker=False,
        )  # fmt: skip
        pipe.scheduler = UniPCMultistepScheduler.from_config(pipe.scheduler.config)
        pipe.set_progress_bar_config(disable=True)

        like = next(self.control.parameters())

        def run() -> Tensor:
            made = []
            for part in batches(len(self.masks), batch):
                seeds = list(range(len(self.masks)))[part]
                hint, start = one_hot(self.masks[part], CLASSES), noise(seeds, (4, CELLS, CELLS))
                found = pipe(
                    self.captions[part], image=hint.to(like), latents=start.to(like), output_type="pt",
                    num_inference_steps=STEPS, guidance_scale=SCALE, height=SIDE, width=SIDE,
                    negative_prompt=[""] * len(seeds),
                )  # fmt: skip
                made.append(found.images.float().cpu())
            return torch.cat(made)

        return run


def main() -> None:
    """Measure both ways to call the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    sides = Sides(given.count)
    with FlopCounterMode(display=False) as counter:
        made = sides.ours()
    apart = ((made / 2 + 0.5).clamp(0, 1) - sides.theirs(BATCH)()).abs().max().item()
    assert apart < (0.2 if FULL else 1e-3), f"images differ by {apart}"
    for name, batch, goal in (("sampling", 1, 3.0 if FULL else 1.5), ("sampling_batches", BATCH, None)):
        ratios, took = interleaved(sides.ours, sides.theirs(batch), given.pairs)
        against = "diffusers' pipeline, " + ("one mask at a time" if batch == 1 else f"batches of {batch}")
        report(
            name + SUFFIX, f"sampling {given.count} images, {STEPS} steps with guidance", against, ratios,
            goal, took=took, floor=machine.share(counter.get_total_flops(), took),
        )  # fmt: skip


if __name__ == "__main__":
    main()

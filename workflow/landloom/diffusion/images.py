"""Images of masks by the ControlNet on a base."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landloom.conditions import registry
from landloom.conditions.low_resolution import LowResolution
from landloom.config.image_sample import ImageSampleConfig
from landloom.data.batches import Fitting
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.diffusion import controlnet
from landloom.diffusion.consistency import CoarseConsistency
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.feedback import JudgeFeedback
from landloom.diffusion.sampling import Steering, guidance, one_after_another, sample, taken
from landloom.models import bundle
from landloom.training import precision
from landloom.training.loop import device


class DiffusionImages:
    """Images by the ControlNet, under masks and captions.

    Args:
        config: steps, scales, precision.
        dataset: size and classes.
        base: folder of the base.
        control: folder of the ControlNet.
        judge: network that steers; None if it shall not.
    """

    def __init__(
        self, config: ImageSampleConfig, dataset: Statistics, base: Path, control: Path,
        judge: nn.Module | None,
    ) -> None:  # fmt: skip
        self.config, self.dataset, self.fitting = config, dataset, Fitting()
        self.device = device()
        self.dtype = precision.dtype(config.precision)
        self.model = bundle.load(base).to(self.device, self.dtype)
        made = controlnet.load(control, self.model, self.device, self.dtype)
        self.conditions = registry.load(control, self.model.embed)
        stems = controlnet.load_stems(control, self.model, made, self.conditions)
        denoiser = Denoiser(self.model, self.conditions, made, config.control, stems)
        self.denoiser = denoiser.to(self.device)
        scales, key = config.scales, "image_sample.guidance"
        self.guides = [g for n, s in scales.items() for g in guidance(self.conditions, n, s, key)]
        self.judge = judge.to(self.device).eval().requires_grad_(False) if judge is not None else None

    def __call__(
        self, rows: Sequence[Sample], seeds: Sequence[int], start: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Sample latents, from those of ``start`` if given, and decode them.

        The last batch is filled up: a network's last bits depend on the shape of its batch, and an image must
        be the same whatever else is in its shard.
        """
        count = len(rows)
        filled = [*range(count), *[count - 1] * (self.config.batch - count)]
        rows, seeds = [rows[i] for i in filled], [seeds[i] for i in filled]
        start = start[filled] if start is not None else None

        def part(some: slice) -> Iterable[NDArray[np.float32]]:
            yield from self._sampled(rows[some], seeds[some], start[some] if start is not None else None)

        return np.stack(self.fitting(part, len(rows))[:count])

    def _sampled(
        self, rows: Sequence[Sample], seeds: Sequence[int], start: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        config = self.config
        labels = torch.from_numpy(np.stack([s.mask_array() for s in rows])).to(self.device)
        begin = self.model.encode(torch.from_numpy(start)) if start is not None else None
        strength = 1.0 if start is None else config.collage.strength
        steps = taken(config.steps, strength)
        given = self.conditions.load(rows)
        steers: list[Steering] = []
        if self.judge:
            steers.append(JudgeFeedback(self.model, self.judge, labels, config.feedback, steps))
        if config.consistency:
            told = given[LowResolution.name].to(device())
            steers.append(CoarseConsistency(self.model, told, config.consistency))
        steer = one_after_another(steers) if steers else None
        latents = sample(
            self.denoiser, self.model.scheduler, given, seeds, config.steps,
            self.dataset.size // self.model.factor, self.guides, steer, config.solver, begin, strength,
        )  # fmt: skip
        with torch.no_grad():
            return np.asarray(self.model.decode(latents.to(self.dtype)).float().cpu().numpy())

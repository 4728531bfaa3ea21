"""Masks of the LoRA back-end for requests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from landloom.conditions import registry
from landloom.config.label_sample import LabelSampleConfig
from landloom.data.statistics import Statistics
from landloom.diffusion import lora
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.sampling import guidance, sample
from landloom.errors import InputError
from landloom.models import bundle
from landloom.raster.palette import distances
from landloom.ratio_control.choice import Drawn, Request
from landloom.ratio_control.proportion import LatentProbe
from landloom.ratio_control.steering import ProbeSteering
from landloom.runtime.reading import reading
from landloom.training import precision
from landloom.training.loop import device, step_seed


class LoraMasks:
    """Draws masks with a base and the LoRA in ``folder``.

    Raises:
        InputError: guidance needs a latent probe or a condition that was not trained.
    """

    def __init__(self, base: Path, folder: Path, dataset: Statistics, config: LabelSampleConfig) -> None:
        self.dtype = precision.dtype(config.precision)
        self.model = bundle.load(base)
        lora.load(self.model, folder)
        self.model.to(device(), self.dtype)
        self.classes = len(dataset.classes)
        self.palette = self.model.palette(self.classes)
        self.side, self.config = dataset.size // self.model.factor, config
        self.conditions = registry.load(folder, self.model.embed)
        self.denoiser = Denoiser(self.model, self.conditions).to(device())
        self.guides = [
            *guidance(self.conditions, "text", config.guidance, "label_sample.guidance"),
            *guidance(self.conditions, "ratios", config.vector_guidance, "label_sample.vector_guidance"),
        ]
        self.probe = load_probe(folder, self.classes) if config.control.latent else None

    @torch.no_grad()
    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        """One mask per request."""
        seeds = [r.seed if attempt == 0 else step_seed(r.seed, attempt, 0) for r in requests]
        steer, control = None, self.config.control
        if self.probe:
            target = torch.from_numpy(np.stack([r.target for r in requests])).float().to(device())
            steer = ProbeSteering(self.probe, target, control.latent)
        latents = sample(
            self.denoiser, self.model.scheduler, self.conditions.load(requests), seeds, self.config.steps,
            self.side, self.guides, steer,
        )  # fmt: skip
        pictures = self.model.decode(latents.to(self.dtype)).float().cpu().numpy()
        return [drawn(p, self.palette) for p in pictures]


def load_probe(folder: Path, classes: int) -> LatentProbe:
    """The latent probe that lies beside a LoRA.

    Raises:
        InputError: there is none.
    """
    file = folder / "probe.safetensors"
    if not file.exists():
        remedy = "Train with label_train.proportion.probe_steps above 0, or set control.latent to 0"
        raise InputError(file, "guidance needs the latent probe, which was not fitted", remedy)
    with reading(file, "is no latent probe of these classes", "Run label_train again"):
        weights = load_file(file)
        probe = LatentProbe(weights["layers.0.weight"].shape[1], classes)
        probe.load_state_dict(weights)
    return probe.to(device()).requires_grad_(False)


def drawn(picture: NDArray[np.float32], palette: NDArray[np.float32]) -> Drawn:
    """Read a picture (C, H, W): the nearest code of the palette; other codes cost their squared distance."""
    cost = distances(picture, palette)
    residual = float(np.sqrt(cost.min(0)).mean())
    return Drawn(cost.argmin(0).astype(np.uint8), cost, residual)

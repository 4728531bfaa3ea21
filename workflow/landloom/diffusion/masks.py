"""Masks of the LoRA back-end for requests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from landloom.conditions import vector
from landloom.conditions.vector import VectorTokens
from landloom.config.label_sample import LabelSampleConfig
from landloom.control.choice import Drawn, Request
from landloom.dataset import Dataset
from landloom.diffusion import bundle, lora
from landloom.diffusion.proportion import LatentProbe
from landloom.diffusion.sampling import sample
from landloom.diffusion.steering import ProbeSteering
from landloom.errors import InputError
from landloom.raster.palette import distances
from landloom.training.loop import device, step_seed


class LoraMasks:
    """Draws masks with a base and the LoRA in ``folder``.

    Raises:
        InputError: guidance needs a latent probe, and none was fitted.
    """

    def __init__(self, base: Path, folder: Path, dataset: Dataset, config: LabelSampleConfig) -> None:
        self.dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        self.model = bundle.load(base)
        lora.load(self.model.unet, folder)
        self.model.to(device(), self.dtype)
        self.classes = len(dataset.classes)
        self.palette = self.model.palette(self.classes)
        self.side = dataset.size // self.model.factor
        self.empty, self.config = self.model.embed([""])[0], config
        self.tokens = load_tokens(folder / "vector.safetensors", self.classes)
        self.probe = load_probe(folder, self.classes) if config.control.latent else None

    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        """One mask per request."""
        text, empty, more = self.words(requests)
        seeds = [r.seed if attempt == 0 else step_seed(r.seed, attempt, 0) for r in requests]
        steer, control = None, self.config.control
        if self.probe:
            target = torch.from_numpy(np.stack([r.target for r in requests])).float().to(device())
            steer = ProbeSteering(self.probe, target, control.latent, control.latent_steps)
        latents = sample(
            self.model, text, empty, seeds, self.config, self.side, more=more, steer=steer
        )  # fmt: skip
        with torch.no_grad():
            pictures = self.model.decode(latents.to(self.dtype)).float().cpu().numpy()
        return [drawn(p, self.palette) for p in pictures]

    @torch.no_grad()
    def words(self, requests: Sequence[Request]) -> tuple[Tensor, Tensor, list[tuple[float, Tensor]]]:
        """Embeddings with ratio tokens, if there are any; the same of nothing; and what guides beyond."""
        text = self.model.embed([r.prompt for r in requests])
        if self.tokens is None:
            return text, self.empty, []
        target = torch.from_numpy(np.stack([r.target for r in requests])).float().to(text.device)
        told = vector.encode(target.nan_to_num(), ~target.isnan())
        with_ratios, without = (self.tokens(text.float(), v) for v in (told, torch.zeros_like(told)))
        empty = self.tokens(self.empty[None].float(), torch.zeros_like(told[:1]))[0]
        extra = self.config.vector_guidance - 1
        return with_ratios, empty, [(extra, without)] if extra else []


def load_tokens(file: Path, classes: int) -> VectorTokens | None:
    """Ratio tokens that lie beside a LoRA; None when there are none."""
    if not file.exists():
        return None
    with safe_open(file, "pt") as opened:
        count = int(opened.metadata()["tokens"])
    weights = load_file(file)
    tokens = VectorTokens(classes, count, len(weights["layers.0.bias"]))
    tokens.load_state_dict(weights)
    return tokens.to(device()).eval()


def load_probe(folder: Path, classes: int) -> LatentProbe:
    """The latent probe that lies beside a LoRA.

    Raises:
        InputError: there is none.
    """
    file = folder / "probe.safetensors"
    if not file.exists():
        remedy = "Train with label_train.proportion.probe_steps above 0, or set control.latent to 0"
        raise InputError(file, "guidance needs the latent probe, which was not fitted", remedy)
    weights = load_file(file)
    probe = LatentProbe(weights["layers.0.weight"].shape[1], classes)
    probe.load_state_dict(weights)
    return probe.to(device()).requires_grad_(False)


def drawn(picture: NDArray[np.float32], palette: NDArray[np.float32]) -> Drawn:
    """Read a picture (C, H, W): the nearest code of the palette; other codes cost their squared distance."""
    cost = distances(picture, palette)
    residual = float(np.sqrt(cost.min(0)).mean())
    return Drawn(cost.argmin(0).astype(np.uint8), cost, residual)

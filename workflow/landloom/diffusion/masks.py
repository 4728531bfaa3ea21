"""Masks of the LoRA back-end for requests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landloom.config.label_sample import LabelSampleConfig
from landloom.control.choice import Drawn, Request
from landloom.dataset import Dataset
from landloom.diffusion import bundle
from landloom.diffusion.sampling import sample
from landloom.raster.palette import distances
from landloom.training.loop import device, step_seed


class LoraMasks:
    """Draws masks with a base and the LoRA in ``folder``."""

    def __init__(self, base: Path, folder: Path, dataset: Dataset, config: LabelSampleConfig) -> None:
        self.dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        self.model = bundle.load(base)
        self.model.unet.load_lora_adapter(folder, prefix="unet", local_files_only=True, use_safetensors=True)
        self.model.to(device(), self.dtype)
        self.palette = self.model.palette(len(dataset.classes))
        self.side = dataset.size // self.model.factor
        self.empty, self.config = self.model.embed([""])[0], config

    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        """One mask per request."""
        text = self.model.embed([r.prompt for r in requests])
        seeds = [r.seed if attempt == 0 else step_seed(r.seed, attempt, 0) for r in requests]
        latents = sample(self.model, text, self.empty, seeds, self.config, self.side)
        with torch.no_grad():
            pictures = self.model.decode(latents.to(self.dtype)).float().cpu().numpy()
        return [drawn(p, self.palette) for p in pictures]


def drawn(picture: NDArray[np.float32], palette: NDArray[np.float32]) -> Drawn:
    """Read a picture (C, H, W): the nearest code of the palette; other codes cost their squared distance."""
    cost = distances(picture, palette)
    residual = float(np.sqrt(cost.min(0)).mean())
    return Drawn(cost.argmin(0).astype(np.uint8), cost, {"residual": f"{residual:.3f}"})

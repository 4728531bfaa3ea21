"""Masks of the categorical back-end for requests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from landloom.conditions import registry
from landloom.config.label_sample import LabelSampleConfig
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.mask_diffusion.sampling import sample
from landloom.ratio_control.choice import Drawn, Request
from landloom.runtime.reading import network_of, reading
from landloom.training.loop import device, step_seed


class CategoricalMasks:
    """Draws masks with a network that ``label_train`` saved in ``folder``."""

    def __init__(self, folder: Path, config: LabelSampleConfig) -> None:
        with reading(folder, "holds no network of masks", "Run label_train again"):
            network_of(folder / "config.json", "Run label_train again")
            self.model = MaskDenoiser.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            self.model.to(device()).eval()
        self.config = config
        if config.vector_guidance != 1:
            conditions = registry.load(folder)
            conditions.require_null({"ratios"}, "label_sample.vector_guidance")

    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        """One mask per request."""
        target = torch.from_numpy(np.stack([r.target for r in requests])).float()
        known = ~target.isnan()
        seeds = [step_seed(r.seed, attempt, 0) for r in requests]
        masks, logits = sample(self.model, target.nan_to_num(), known, seeds, self.config)
        cost = (-logits).cpu().numpy()
        return [Drawn(m, c) for m, c in zip(masks.cpu().numpy(), cost, strict=True)]

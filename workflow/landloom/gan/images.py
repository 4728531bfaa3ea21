"""Images of masks by a baseline."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landloom.conditions.mask import one_hot
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.gan import networks
from landloom.training.loop import device


class GanImages:
    """Images by a baseline; dropout under a sample's own seed is its noise."""

    def __init__(self, dataset: Statistics, folder: Path) -> None:
        self.model, self.classes = networks.load(folder).to(device()), len(dataset.classes)

    @torch.no_grad()
    def __call__(
        self, rows: Sequence[Sample], seeds: Sequence[int], start: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Images of masks, one at a time, so that batching changes nothing; there is no start."""
        found = []
        for row, seed in zip(rows, seeds, strict=True):
            torch.manual_seed(seed)
            hint = one_hot(torch.from_numpy(row.mask_array())[None], self.classes)
            found.append(self.model(hint.to(device()))[0].cpu().numpy())
        return np.stack(found)

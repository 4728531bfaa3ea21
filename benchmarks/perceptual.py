"""A distance between pictures as a network sees them, after LPIPS (Zhang et al. 2018).

Features of EfficientNet-Lite0 (ImageNet) at strides of 2 to 16 take the place of AlexNet's, and all channels
weigh the same; LPIPS has learned weights of channels, which are no part of the package index. So values are
to be compared within one table only.
"""

import numpy as np
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from landloom.conditions.patch_extractors import KNOWN, LITE0
from landloom.segmentation import pretrained

LEVELS = slice(1, 5)
"""Of the pyramid: strides of 2, 4, 8 and 16 pixels."""


class Perceptual:
    """Distances of pictures; 0 is the same picture."""

    def __init__(self) -> None:
        self.network = smp.encoders.get_encoder("tu-tf_efficientnet_lite0", depth=5, weights=None)
        pretrained.fill(self.network, "package", 3)
        self.network.eval().requires_grad_(False)
        facts = KNOWN[LITE0]
        self.mean, self.std = (torch.tensor(v)[:, None, None] for v in (facts.mean, facts.std))

    def __call__(self, one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        """Distance of two pictures (3, H, W) of 0 to 255: mean square over places, summed over levels."""
        pair = torch.from_numpy(np.stack([one, other])).float() / 255
        with torch.no_grad():
            levels = self.network((pair - self.mean) / self.std)[LEVELS]
        unit = [F.normalize(level, dim=1) for level in levels]
        return float(sum(((u[0] - u[1]) ** 2).sum(0).mean() for u in unit))

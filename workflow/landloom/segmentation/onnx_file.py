"""A trained network as ONNX, for tools without torch: pixels in the images' own units in, logits out."""

import json
from pathlib import Path
from typing import Any

import torch
from segmentation_models_pytorch.decoders.pspnet.decoder import PSPBlock
from torch import Tensor, nn
from torch.nn import functional

from landloom.data.statistics import Statistics
from landloom.errors import InputError

OPSET = 18
MULTIPLE = 32
"""Sides that every network takes; others are filled up by their last row and column, and cut again."""


class FromPixels(nn.Module):
    """A network with its radiometry before it, for images of any size.

    Args:
        model: maps images (B, C, H, W) in [-1, 1] to logits (B, K, H, W), where H and W are multiples of 32.
        statistics: of the tiles that it has learned from.
    """

    low: Tensor
    span: Tensor

    def __init__(self, model: nn.Module, statistics: Statistics) -> None:
        super().__init__()
        self.model = model
        low, high = (torch.tensor(v)[:, None, None] for v in (statistics.low, statistics.high))
        self.register_buffer("low", low)
        self.register_buffer("span", torch.where(high > low, high - low, torch.ones_like(low)))

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, K, H, W) of images (B, C, H, W) in their own units; NaN and infinities become -1."""
        shares = torch.where(torch.isfinite(image), (image - self.low) / self.span, torch.zeros_like(image))
        height, width = image.shape[2], image.shape[3]
        scaled = functional.pad(
            shares.clip(0, 1) * 2 - 1, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate"
        )
        logits: Tensor = self.model(scaled)
        return logits[:, :, :height, :width]


class Pooling(nn.Module):
    """``AdaptiveAvgPool2d`` as products of matrices, since the exporter knows it for fixed sizes alone.

    Args:
        size: rows and columns of the result.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Means (B, C, size, size) of cells of (B, C, H, W)."""
        return self._shares(x, 2) @ x @ self._shares(x, 3).transpose(0, 1)

    def _shares(self, x: Tensor, side: int) -> Tensor:
        """Shares (size, n) of places in cells; cell i goes from floor(i n/size) to ceil((i + 1) n/size)."""
        number = torch.as_tensor(x.shape[side])
        cells, places = torch.arange(self.size)[:, None], torch.arange(number)[None]  # type: ignore[call-overload]
        first, last = cells * number // self.size, ((cells + 1) * number + self.size - 1) // self.size
        inside = (places >= first) & (places < last)
        return inside.to(x.dtype) / (last - first).to(x.dtype)


class Level(nn.Module):
    """A level of PSPNet's pyramid, which has another form of its own for exports: that has fixed sizes.

    Args:
        block: the level as it was trained.
    """

    def __init__(self, block: PSPBlock) -> None:
        super().__init__()
        self.pooling, self.convolution = Pooling(block.pool_size), block.pool[1]

    def forward(self, x: Tensor) -> Tensor:
        """Means of cells of (B, C, H, W), convolved and brought back to (B, D, H, W)."""
        cells = self.convolution(self.pooling(x))
        return functional.interpolate(cells, size=x.shape[2:], mode="bilinear", align_corners=True)


def write(model: nn.Module, statistics: Statistics, path: Path) -> None:
    """Write a network, in evaluation mode, with its classes in the file's metadata.

    Raises:
        InputError: the package onnx is missing.
    """
    try:
        import onnx
    except ImportError:
        raise InputError(path, "needs the package onnx", "Run: pip install 'landloom[onnx]'") from None
    whole = FromPixels(exportable(model), statistics).eval()
    sides = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        whole, (torch.zeros(2, statistics.bands, 2 * MULTIPLE, 3 * MULTIPLE),), path, opset_version=OPSET,
        input_names=["image"], output_names=["logits"], dynamic_axes={"image": sides, "logits": sides},
        dynamo=False,  # the newer exporter fixes the sizes of some networks, and takes minutes
    )  # fmt: skip
    found = onnx.load(path)
    onnx.helper.set_model_props(found, {k: json.dumps(v) for k, v in about(statistics).items()})
    onnx.checker.check_model(found, full_check=True)
    onnx.save(found, path)


def exportable(model: nn.Module) -> nn.Module:
    """The network with its adaptive pooling in another form; it gives the same."""
    for name, part in model.named_children():
        if isinstance(part, PSPBlock):
            setattr(model, name, Level(part))
        elif isinstance(part, nn.AdaptiveAvgPool2d) and part.output_size not in (1, (1, 1)):
            size = part.output_size
            setattr(model, name, Pooling(int(size if isinstance(size, int) else size[0])))  # type: ignore[index, arg-type]
        else:
            exportable(part)
    return model


def about(statistics: Statistics) -> dict[str, Any]:
    """What a program needs to know of the classes and images."""
    return {
        "classes": statistics.names, "colors": statistics.colors, "bands": statistics.bands,
        "dtype": statistics.dtype, "low": statistics.low, "high": statistics.high,
        "tile_size": statistics.size,
    }  # fmt: skip

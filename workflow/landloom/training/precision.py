"""The precision that networks compute in, and a warning where it costs what it should save."""

import sys
from functools import cache

import torch


def dtype(precision: str) -> torch.dtype:
    """What 'fp32' or 'bf16' of a config means."""
    if precision == "fp32":
        return torch.float32
    if emulated():
        warn()
    return torch.bfloat16


def emulated() -> bool:
    """Whether this machine has no GPU, and a CPU that turns each bf16 product into others.

    On one without AVX-512 a convolution took 180 times as long as in fp32.
    """
    if torch.cuda.is_available():
        return False
    asked = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return not (torch.backends.mkldnn.is_available() and asked is not None and asked())


@cache
def warn() -> None:
    """Say it, once."""
    said = "precision: bf16 is emulated by this CPU, and takes many times longer than fp32"
    print(f"warning: {said}; set precision: fp32", file=sys.stderr)

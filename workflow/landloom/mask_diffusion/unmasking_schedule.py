"""In which order the pixels of a mask become known, and how many at each step.

Absorbing diffusion (Austin et al. 2021; MaskGIT, Chang et al. 2022) draws the pixels of one step without
regard to each other. That is sound only when they tell little about each other, so they should lie far apart:
first a few over the whole tile, then ever denser (the idea of Halton-MaskGIT, Besnier et al. 2025). Their
number grows by a constant factor, so that each step adds the same share of what is known.
"""

import functools

import torch
from torch import Tensor


@functools.cache
def bayer(height: int, width: int) -> Tensor:
    """Rank (H, W) of each pixel in the order of ordered dithering: any first n of them are evenly spread.

    The matrix of Bayer (1973) on the next power of two, cut to size: bits of (x xor y) and y, reversed. Kept
    from call to call: not to be written into.
    """
    bits = max(height - 1, width - 1, 1).bit_length()
    y, x = torch.meshgrid(torch.arange(2**bits), torch.arange(2**bits), indexing="ij")
    rank = torch.zeros_like(x)
    for i in range(bits):
        place = 2 * (bits - 1 - i)
        rank += (((x ^ y) >> i & 1) << place + 1) + ((y >> i & 1) << place)
    return rank[:height, :width].flatten().argsort().argsort().view(height, width)


def draw(size: int, generator: torch.Generator | None = None) -> Tensor:
    """Rank (size, size) of one mask: that of ``bayer``, moved around at random."""
    down, right = torch.randint(0, size, (2,), generator=generator).tolist()
    return torch.roll(bayer(size, size), (down, right), (0, 1))


def counts(steps: int, pixels: int) -> list[int]:
    """Pixels known before each step and after the last: 0, ..., pixels, growing by a constant factor.

    Steps that would add less than a pixel are left out.
    """
    grown = [round((pixels + 1) ** (i / steps)) - 1 for i in range(steps + 1)]
    return sorted({*grown, 0, pixels})


def draw_counts(batch: int, pixels: int) -> Tensor:
    """Known pixels (B,) of training masks: 0 to ``pixels`` - 1, each doubling equally often."""
    return ((pixels + 1.0) ** torch.rand(batch) - 1).long().clamp_max(pixels - 1)

"""Networks of Pix2Pix (Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Networks).

Sizes aside: a U-Net with dropout as its only noise, and a PatchGAN. CycleGAN takes them too.
"""

import json
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from landloom.runtime import phases
from landloom.runtime.reading import network_of, reading

DROPOUT = 0.5
NOISY = 3
"""Blocks of the decoder, from the bottom, that drop features: in sampling too, where it is the noise."""
WEIGHTS = "generator.safetensors"


class Noise(nn.Module):
    """Dropout that stays on when sampling: the generator's noise (Isola et al. 2017)."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop features of (B, C, H, W)."""
        return F.dropout(x, DROPOUT, training=True)


class Norm(nn.BatchNorm2d):
    """Batch norm that takes each image's own statistics in sampling, as the paper does (section 3.3)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W) over the batch in training, each image alone in evaluation."""
        if self.training:
            return super().forward(x)
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


class Generator(nn.Module):
    """U-Net from one-hot masks (B, K, H, W) to images (B, C, H, W) in [-1, 1].

    Args:
        classes: K.
        bands: C.
        width: channels at the top; they double per level, up to eight times.
        levels: how often the size is halved.
    """

    def __init__(self, classes: int, bands: int, width: int, levels: int) -> None:
        super().__init__()
        self.config = {"classes": classes, "bands": bands, "width": width, "levels": levels}
        widths = [width * min(2**i, 8) for i in range(levels)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (before, after) in enumerate(zip([classes, *widths], widths, strict=False)):
            norm = Norm(after) if 0 < i < levels - 1 else nn.Identity()
            first = nn.LeakyReLU(0.2) if i else nn.Identity()
            self.down.append(nn.Sequential(first, nn.Conv2d(before, after, 4, 2, 1), norm))
        for i, width_here in enumerate(reversed(widths)):
            before = width_here * (2 if i else 1)  # the skip doubles it
            after = widths[levels - 2 - i] if i < levels - 1 else bands
            tail = [Norm(after)] if i < levels - 1 else [nn.Tanh()]
            noise = [Noise()] if i < min(NOISY, levels - 1) else []
            up = [nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, 1, 1)]
            self.up.append(nn.Sequential(*up, *tail, *noise))

    def forward(self, hint: Tensor) -> Tensor:
        """Images (B, C, H, W) of one-hot masks."""
        skips, x = [], hint
        for block in self.down:
            x = block(x)
            skips.append(x)
        for i, block in enumerate(self.up):
            x = block(x if i == 0 else torch.cat([x, skips[-1 - i]], 1))
        return x

    @phases.during("write")
    def save(self, folder: Path) -> None:
        """Write config.json and the weights."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"model": "unet"} | self.config, indent=1) + "\n")
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, folder / WEIGHTS)


@phases.during("load")
def load(folder: Path) -> Generator:
    """Read a generator, in evaluation mode.

    Raises:
        InputError: the folder holds none, or one that is damaged.
    """
    with reading(folder, "is no generator", "Run image_train again"):
        config = network_of(folder / "config.json", "Run image_train again", "is no generator")
        config.pop("model")
        made = Generator(**config)
        made.load_state_dict(load_file(folder / WEIGHTS))
    return made.eval().requires_grad_(False)


def discriminator(channels: int, width: int, layers: int = 3) -> nn.Sequential:
    """PatchGAN: logits (B, 1, h, w), one per patch (70 px wide with 3 layers) of mask and image on top."""
    widths = [width * min(2**i, 8) for i in range(layers + 1)]
    blocks: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for i, (before, after) in enumerate(pairwise(widths)):
        stride = 2 if i < layers - 1 else 1
        blocks += [nn.Conv2d(before, after, 4, stride, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*blocks, nn.Conv2d(widths[-1], 1, 4, 1, 1))

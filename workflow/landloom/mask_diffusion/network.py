"""The network that names the class of every pixel of a half-known mask."""

import torch
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional

from landloom.conditions.mask import one_hot
from landloom.conditions.ratios import width
from landloom.config.label_train import PATCH


class MaskDenoiser(ModelMixin, ConfigMixin):
    """A small U-Net on patches of pixels: known pixels in, class logits of all pixels out.

    A pixel that is not known yet is IGNORE, zero in every channel, as for every other condition on masks.
    Blocks of ``patch`` x ``patch`` pixels become channels, which makes it quick at full resolution. The ratio
    vector enters beside the time, which is how much is known.

    Args:
        classes: number of classes.
        size: side of a mask in pixels; a multiple of patch * 2^(levels - 1).
        patch: side of a block of pixels.
        channels: width per level.
        layers: residual blocks per level.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self, classes: int, size: int, patch: int = PATCH, channels: tuple[int, ...] = (64, 96, 128),
        layers: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        ups, downs = ["UpBlock2D"] * len(channels), ["DownBlock2D"] * len(channels)
        downs[-1], ups[0] = "AttnDownBlock2D", "AttnUpBlock2D"
        planes = classes * patch**2
        self.unet = UNet2DModel(
            sample_size=size // patch, in_channels=planes, out_channels=planes, block_out_channels=channels,
            layers_per_block=layers, norm_num_groups=16, attention_head_dim=32, class_embed_type="identity",
            down_block_types=tuple(downs), up_block_types=tuple(ups),
        )  # fmt: skip
        inner = 4 * channels[0]
        self.vector = nn.Sequential(nn.Linear(width(classes), inner), nn.SiLU(), nn.Linear(inner, inner))

    def forward(self, known: Tensor, condition: Tensor) -> Tensor:
        """Class logits (B, K, H, W).

        Args:
            known: class indices (B, H, W), IGNORE where the class is not known.
            condition: ratio vectors (B, 3K), see ``conditions.ratios``.
        """
        hot = one_hot(known, self.config.classes)
        pixels = known[0].numel()
        time = 1000 * (hot.sum((1, 2, 3)) + 1).log() / torch.log(torch.tensor(pixels + 1.0))
        blocks = functional.pixel_unshuffle(hot, self.config.patch)
        out = self.unet(blocks, time, class_labels=self.vector(condition)).sample
        return functional.pixel_shuffle(out, self.config.patch)

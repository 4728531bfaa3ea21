"""A feature extractor that needs no weights."""

from torch import Tensor, nn


class Means(nn.Module):
    """Mean colours of the quarters of a picture."""

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, 12) of pictures (N, 3, H, W)."""
        return nn.functional.adaptive_avg_pool2d(x.float() / 255, 2).flatten(1)

"""Training objective of the autoencoder: images and palette-coloured masks, mixed."""

from collections.abc import Mapping

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from landloom.config.base import VaeConfig
from landloom.diffusion.symmetry import COUNT, Augment, turn_each


class Autoencoding(nn.Module):
    """The autoencoder as one forward pass: image in; image, mean and log-variance out."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruct (B, C, H, W) from a sampled latent."""
        latent = self.vae.encode(x).latent_dist
        return self.vae.decode(latent.sample()).sample, latent.mean, latent.logvar


class AutoencoderObjective:
    """L1 + 0.5 MSE + kl * KL on random crops.

    Args:
        vae: the autoencoder.
        pictures: images and painted masks (N, C, H, W) in [-1, 1], any float type.
        config: crop and KL weight.
        augment: mirrors and turns.
    """

    def __init__(self, vae: AutoencoderKL, pictures: Tensor, config: VaeConfig, augment: Augment) -> None:
        self.module, self.pictures, self.size = Autoencoding(vae), pictures, len(pictures)
        self.config, self.variants = config, COUNT[augment]

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Losses of the pictures at ``index``."""
        x = self._crop(self.pictures[index.cpu()].float())
        x = turn_each(x, torch.randint(0, self.variants, (len(x),))).to(index.device)
        output, mean, logvar = module(x)
        error = output.float() - x
        kl = 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float()).mean()
        loss = error.abs().mean() + 0.5 * error.square().mean() + self.config.kl * kl
        return {"loss": loss, "l1": error.abs().mean().detach()}

    def _crop(self, x: Tensor) -> Tensor:
        side = self.config.crop
        if side is None or side >= x.shape[-1]:
            return x
        row, col = (int(v) for v in torch.randint(0, x.shape[-1] - side + 1, (2,)))
        return x[..., row : row + side, col : col + side]

"""Training objective of the autoencoder: images and palette-coloured masks, mixed."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderDC, AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.config.base import VaeConfig
from landloom.data.symmetry import COUNT, Augment, turn_each
from landloom.data.tensor_rows import Rows, announce

SHUFFLED = 0.5  # share of masks whose classes are shuffled
HALVED = 0.7  # share of halved latents among those made smaller


class Autoencoding(nn.Module):
    """The autoencoder as one forward pass: image in; image, mean and log-variance out."""

    def __init__(self, vae: AutoencoderKL | AutoencoderDC) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, x: Tensor, noise: float = 0.0, shrink: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruct (B, C, H/shrink, W/shrink) from a sampled latent, with ``noise`` and made smaller.

        AutoencoderDC has no variance to sample from.
        """
        found = self.vae.encode(x)
        if isinstance(self.vae, AutoencoderDC):
            latent, mean, logvar = found.latent, found.latent, torch.zeros_like(found.latent)
        else:
            given = found.latent_dist
            latent, mean, logvar = given.sample(), given.mean, given.logvar
        if noise:
            size = latent.detach().std((0, 2, 3), keepdim=True)
            latent = latent + noise * torch.rand(len(x), 1, 1, 1, device=x.device) * size * torch.randn_like(
                latent
            )
        return self.vae.decode(F.avg_pool2d(latent, shrink)).sample, mean, logvar


class AutoencoderObjective:
    """L1 + 0.5 MSE + kl * KL + chroma on random crops; sample i is image i, sample N + i is mask i, if any.

    In some steps the latent is halved, and seldom quartered, before it is decoded: it must give the picture
    of that size.

    Half of the masks are painted with their classes shuffled, so that the codes of rare classes are seen as
    often as the others.

    Args:
        vae: the autoencoder.
        images: scaled images (N, C, H, W), any float type.
        labels: class indices (N, H, W), or None for images alone.
        palette: generation palette (K, C).
        config: crop and KL weight.
        augment: mirrors and turns.
    """

    def __init__(
        self, vae: AutoencoderKL | AutoencoderDC, images: Rows, labels: Rows | None,
        palette: NDArray[np.float32], config: VaeConfig, augment: Augment,
    ) -> None:  # fmt: skip
        self.module: nn.Module = Autoencoding(vae)
        self.images, self.labels = images, labels
        self.size = len(images) if labels is None else 2 * len(images)
        self.codes = torch.zeros(256, palette.shape[1])
        self.codes[: len(palette)] = torch.from_numpy(palette)
        self.classes, self.config, self.variants = len(palette), config, COUNT[augment]
        self.factor = 2 ** (len(config.channels) - 1)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Losses of the pictures at ``index``."""
        x = self._crop(torch.stack(self._pictures(index.cpu())))
        x = turn_each(x, torch.randint(0, self.variants, (len(x),))).to(index.device)
        shrink = self._shrink(x.shape[-1])
        output, mean, logvar = module(x, self.config.noise, shrink)
        error = output.float() - F.avg_pool2d(x, shrink)
        kl = 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float()).mean()
        loss = error.abs().mean() + 0.5 * error.square().mean() + self.config.kl * kl
        if self.config.chroma:
            loss = loss + self.config.chroma * chroma(error)
        return {"loss": loss, "l1": error.abs().mean().detach()}

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to read the tiles of the next step."""
        shown = index < len(self.images)
        announce(self.images, index[shown])
        if self.labels is not None:
            announce(self.labels, self._masks(index))

    def _pictures(self, index: Tensor) -> list[Tensor]:
        """Images and painted masks (C, H, W) in the order of ``index`` (B,)."""
        shown = index < len(self.images)
        images = iter(self.images[index[shown]])
        masks = iter(self.labels[self._masks(index)] if self.labels is not None else ())
        return [next(images).float() if image else self._painted(next(masks)) for image in shown.tolist()]

    def _masks(self, index: Tensor) -> Tensor:
        """Rows of the masks in ``index``: in turn, as there may be more images than masks."""
        assert self.labels is not None
        return (index[index >= len(self.images)] - len(self.images)) % len(self.labels)

    def _painted(self, mask: Tensor) -> Tensor:
        codes = self.codes.clone()
        if torch.rand(()) < SHUFFLED:
            codes[: self.classes] = codes[torch.randperm(self.classes)]
        return codes[mask.long()].movedim(-1, 0)

    def _shrink(self, side: int) -> int:
        """By how much the latents of this step are made smaller."""
        if not self.config.equivariance or torch.rand(()) >= self.config.equivariance:
            return 1
        shrink = 2 if torch.rand(()) < HALVED else 4
        return shrink if side % (shrink * self.factor) == 0 else 1

    def _crop(self, x: Tensor) -> Tensor:
        side = self.config.crop
        if side is None or side >= x.shape[-1]:
            return x
        row, col = (int(v) for v in torch.randint(0, x.shape[-1] - side + 1, (2,)))
        return x[..., row : row + side, col : col + side]


def chroma(error: Tensor) -> Tensor:
    """Error of bands against the mean of all, of errors (B, C, H, W) averaged over 4 x 4 pixels."""
    blocks = F.avg_pool2d(error, min(4, error.shape[-1]))  # shrunk crops may be smaller
    return (blocks - blocks.mean(1, keepdim=True)).abs().mean()

"""Training objectives of the denoiser: base (all weights), LoRA (label) and ControlNet (image)."""

from collections.abc import Mapping
from typing import Protocol

import torch
from diffusers import ControlNetModel, DDPMScheduler
from torch import Tensor, nn

from landloom.conditions import vector
from landloom.conditions.mask import one_hot
from landloom.conditions.vector import VectorTokens
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import VectorConfig
from landloom.config.training import Denoising
from landloom.diffusion.bundle import Bundle
from landloom.diffusion.cache import LatentCache
from landloom.diffusion.noise import add_noise, alpha_bar, clean, snr_weights, weighted_mse
from landloom.diffusion.symmetry import turn_each
from landloom.samples import IGNORE


class TextDenoiser(nn.Module):
    """Text encoder and denoiser in one forward pass, so that both are trained together."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.unet, self.text_encoder = bundle.unet, bundle.text_encoder

    def forward(self, noisy: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        """Prediction for noisy latents, steps (B,) and token ids (B, T)."""
        return torch.as_tensor(self.unet(noisy, t, self.text_encoder(tokens)[0]).sample)


class BaseObjective:
    """Denoise image latents under captions and mask latents under prompts, jointly.

    Args:
        bundle: parts to train (denoiser, text encoder) and the schedule.
        latents: (M, A, c, h, w), images and masks.
        tokens: token ids (M, T), one row a picture.
        empty: token ids (T,) of the empty text.
        config: caption dropout and min-SNR gamma.
    """

    def __init__(
        self, bundle: Bundle, latents: Tensor, tokens: Tensor, empty: Tensor, config: Denoising
    ) -> None:
        self.module: nn.Module = TextDenoiser(bundle)
        self.scheduler, self.latents, self.tokens, self.empty = bundle.scheduler, latents, tokens, empty
        self.config, self.size = config, len(latents)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Weighted error of the prediction."""
        rows = index.cpu()
        variants = torch.randint(0, self.latents.shape[1], (len(rows),))
        latents = self.latents[rows, variants].float().to(index.device)
        dropped = torch.rand(len(rows)) < self.config.caption_dropout
        tokens = torch.where(dropped[:, None], self.empty, self.tokens[rows]).to(index.device)
        noisy, t, target = add_noise(self.scheduler, latents)
        prediction = module(noisy, t, tokens)
        weights = snr_weights(self.scheduler, t, self.config.min_snr)
        return {"loss": weighted_mse(prediction, target, weights)}


class Batches:
    """Draws a variant per tile and drops texts, for objectives on the latent cache."""

    def __init__(self, cache: LatentCache, dropout: float) -> None:
        self.cache, self.dropout = cache, dropout

    def variants(self, rows: Tensor) -> Tensor:
        """A random variant for each row."""
        return torch.randint(0, self.cache.images.shape[1], (len(rows),))

    def dropped(self, count: int) -> Tensor:
        """Which of ``count`` samples learn without words (B,)."""
        return torch.rand(count) < self.dropout

    def text(self, choice: Tensor, dropped: Tensor, device: torch.device) -> Tensor:
        """Embeddings (B, T, D) of the chosen texts; the empty one (row 0) where they are ``dropped``."""
        return self.cache.text[torch.where(dropped, 0, choice)].float().to(device)


class Proportion(Protocol):
    """The proportion-aware term."""

    def __call__(self, latents: Tensor, target: Tensor, signal: Tensor, valid: Tensor) -> Tensor:
        """Loss of predicted clean latents (B, c, h, w) against ratios (B, K), signal share (B,).

        ``valid`` (B, 1, H, W) is 1 for pixels with a class, of which the ratios are.
        """
        ...


class VectorDenoiser(nn.Module):
    """Ratio tokens and denoiser in one forward pass, so that both are trained together."""

    def __init__(self, unet: nn.Module, tokens: VectorTokens) -> None:
        super().__init__()
        self.unet, self.tokens = unet, tokens

    def forward(self, noisy: Tensor, t: Tensor, text: Tensor, condition: Tensor) -> Tensor:
        """Prediction for noisy latents under text (B, T, D) and ratio vectors (B, 3K)."""
        words = self.tokens(text, condition)
        extra = {"encoder_attention_mask": vector.attended(words), "return_dict": False}
        return torch.as_tensor(self.unet(noisy, t, words, **extra)[0])


class LabelObjective:
    """Denoise mask latents under their prompts; only parameters that require gradients learn (LoRA).

    ``L = L_ldm + lambda * w(t) * d(p_hat, p)`` (Xu et al. 2025): the second term is ``proportion``. With
    ``tokens`` the ratios are told as numbers too, as often as ``told`` says, but never without words: the
    branch that guidance goes away from has neither, and must be practised.
    """

    def __init__(
        self, unet: nn.Module, scheduler: DDPMScheduler, cache: LatentCache, config: Denoising,
        proportion: Proportion | None, weight: float, tokens: VectorTokens | None = None,
        told: VectorConfig | None = None,
    ) -> None:  # fmt: skip
        self.module, self.scheduler, self.cache, self.config = unet, scheduler, cache, config
        self.told = (told or VectorConfig()) if tokens else None
        if tokens:
            self.module = VectorDenoiser(unet, tokens)
        self.proportion, self.weight, self.size = proportion, weight, len(cache.ids)
        self.batches = Batches(cache, config.caption_dropout)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Weighted error of the prediction plus the proportion-aware term."""
        rows = index.cpu()
        variants = self.batches.variants(rows)
        latents = self.cache.masks[rows, variants].float().to(index.device)
        dropped = self.batches.dropped(len(rows))
        text = self.batches.text(self.cache.prompts[rows], dropped, index.device)
        noisy, t, target = add_noise(self.scheduler, latents)
        if self.told:
            prediction = module(noisy, t, text, self.vectors(rows, dropped).to(index.device))
        else:
            prediction = module(noisy, t, text, return_dict=False)[0]
        ldm = weighted_mse(prediction, target, snr_weights(self.scheduler, t, self.config.min_snr))
        if self.proportion is None:
            return {"loss": ldm}
        guess = clean(self.scheduler, noisy, t, prediction.float())
        signal = alpha_bar(self.scheduler, t).flatten()
        valid = turn_each(self.cache.labels[rows], variants)[:, None] != IGNORE
        ratios = self.cache.ratios[rows].to(index.device)
        term = self.proportion(guess, ratios, signal, valid.float().to(index.device))
        return {"loss": ldm + self.weight * term, "ldm": ldm.detach(), "proportion": term.detach()}

    def vectors(self, rows: Tensor, dropped: Tensor) -> Tensor:
        """Ratio vectors (B, 3K), with some or all shares not told, and none to ``dropped`` samples (B,)."""
        assert self.told is not None
        ratios = self.cache.ratios[rows]
        known = vector.draw_known(len(ratios), ratios.shape[1], self.told.dropout, self.told.partial)
        return vector.encode(ratios, known & ~dropped[:, None])


class ControlledDenoiser(nn.Module):
    """ControlNet and frozen denoiser in one forward pass."""

    def __init__(self, controlnet: ControlNetModel, unet: nn.Module) -> None:
        super().__init__()
        self.controlnet, self.unet = controlnet, unet

    def forward(self, noisy: Tensor, t: Tensor, text: Tensor, hint: Tensor) -> Tensor:
        """Prediction for noisy latents under text (B, T, D) and a one-hot mask (B, K, H, W)."""
        down, middle = self.controlnet(noisy, t, text, controlnet_cond=hint, return_dict=False)
        extra = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        return torch.as_tensor(self.unet(noisy, t, text, return_dict=False, **extra)[0])


class ImageObjective:
    """Denoise image latents under captions and one-hot masks; the ControlNet learns, the base is frozen."""

    def __init__(
        self,
        controlnet: ControlNetModel,
        bundle: Bundle,
        cache: LatentCache,
        classes: int,
        config: ImageTrainConfig,
    ) -> None:
        bundle.unet.requires_grad_(False)
        self.module: nn.Module = ControlledDenoiser(controlnet, bundle.unet)
        self.scheduler, self.cache, self.classes, self.config = bundle.scheduler, cache, classes, config
        self.batches, self.size = Batches(cache, config.caption_dropout), len(cache.ids)

    def drawn(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (B, c, h, w), one-hot masks (B, K, H, W) and texts (B, T, D) of the samples."""
        rows = index.cpu()
        variants = self.batches.variants(rows)
        latents = self.cache.images[rows, variants].float().to(index.device)
        labels = self.coarsened(turn_each(self.cache.labels[rows], variants))
        hint = one_hot(labels, self.classes).to(index.device)
        text = self.batches.text(self.cache.captions[rows], self.batches.dropped(len(rows)), index.device)
        return latents, hint, text

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Weighted error of the prediction."""
        latents, hint, text = self.drawn(index)
        noisy, t, target = add_noise(self.scheduler, latents)
        prediction = module(noisy, t, text, hint)
        return {"loss": weighted_mse(prediction, target, snr_weights(self.scheduler, t, self.config.min_snr))}

    def coarsened(self, labels: Tensor) -> Tensor:
        """Masks (B, H, W), a share of them in blocks, each of the class of its upper left pixel."""
        if not self.config.coarse:
            return labels
        side, block = labels.shape[-1], self.config.coarse_block
        place = torch.arange(side) // block * block
        chosen = torch.rand(len(labels)) < self.config.coarse
        return torch.where(chosen[:, None, None], labels[:, place][:, :, place], labels)

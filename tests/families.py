"""Reduced bases of today: the true classes with random weights, for tiles of 32 px and four bands."""

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from landloom.models import scratch
from landloom.models.families.base import Bundle
from landloom.models.families.sdxl import StableDiffusionXL
from tests import bases


def vae(latent: int, **more: float) -> AutoencoderKL:
    """An autoencoder that shrinks once, and is sure of its latents: plain pipelines draw them."""
    made = AutoencoderKL(
        in_channels=bases.BANDS, out_channels=bases.BANDS, block_out_channels=(8, 16), layers_per_block=1,
        latent_channels=latent, norm_num_groups=8, down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, sample_size=bases.SIDE, **more,
    )  # fmt: skip
    last = made.encoder.conv_out if made.quant_conv is None else made.quant_conv
    with torch.no_grad():
        last.weight[latent:] = 0
        last.bias[latent:] = -60
    return made


def clip(words: CLIPTokenizer, width: int, projected: bool) -> CLIPTextModel | CLIPTextModelWithProjection:
    """A CLIP text encoder of some width, which is that of its pooled vector, too."""
    config = CLIPTextConfig(
        vocab_size=len(words), hidden_size=width, intermediate_size=2 * width, num_hidden_layers=3,
        num_attention_heads=2, max_position_embeddings=77, projection_dim=width,
        bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


def sdxl(seed: int = 0) -> StableDiffusionXL:
    """Stable Diffusion XL."""
    torch.manual_seed(seed)
    words = scratch.tokenizer(bases.TEXTS)
    unet = UNet2DConditionModel(
        sample_size=bases.SIDE // 2, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=16 + 24,
        attention_head_dim=(2, 4), transformer_layers_per_block=(1, 2), use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 24,
    )  # fmt: skip
    schedule = DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
    )
    return StableDiffusionXL(
        vae=vae(4, scaling_factor=0.13025), scheduler=schedule, unet=unet,
        text_encoder=clip(words, 16, projected=False), tokenizer=words,
        text_encoder_2=clip(words, 24, projected=True), tokenizer_2=words,
    )  # fmt: skip


MADE: dict[str, Callable[[], Bundle]] = {"sdxl": sdxl}
"""All of them by name."""

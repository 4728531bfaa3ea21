"""Reduced bases of today: the true classes with random weights, for tiles of 32 px and four bands."""

from collections.abc import Callable

import torch
from diffusers import (
    AutoencoderKL,
    DDPMScheduler,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from landloom.models import scratch
from landloom.models.families.base import Bundle
from landloom.models.families.sd3 import StableDiffusion3
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


def sd3(seed: int = 0, t5: bool = True) -> StableDiffusion3:
    """Stable Diffusion 3.5 of the medium kind, with T5 or without."""
    torch.manual_seed(seed)
    words = scratch.tokenizer(bases.TEXTS)
    transformer = SD3Transformer2DModel(
        sample_size=bases.SIDE // 2, patch_size=2, in_channels=16, num_layers=4, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=40, caption_projection_dim=16, pooled_projection_dim=28,
        out_channels=16, pos_embed_max_size=16, dual_attention_layers=(0, 1), qk_norm="rms_norm",
    )  # fmt: skip
    letters = [(c, -2.0) for c in "\u2581abcdefghijklmnopqrstuvwxyz0123456789%,"]
    pieces = T5Tokenizer([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *letters], extra_ids=0)
    config = T5Config(
        vocab_size=len(pieces), d_model=40, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return StableDiffusion3(
        vae=vae(
            16, scaling_factor=1.5305, shift_factor=0.0609, use_quant_conv=False, use_post_quant_conv=False
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), transformer=transformer,
        text_encoder=clip(words, 12, projected=True), tokenizer=words,
        text_encoder_2=clip(words, 16, projected=True), tokenizer_2=words,
        text_encoder_3=T5EncoderModel(config) if t5 else None, tokenizer_3=pieces if t5 else None,
    )  # fmt: skip


MADE: dict[str, Callable[[], Bundle]] = {"sdxl": sdxl, "sd3": sd3}
"""All of them by name."""

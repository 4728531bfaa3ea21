"""A small base model, built from nothing with the classes of Stable Diffusion."""

import json
from collections.abc import Iterable

from diffusers import AutoencoderDC, AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from landloom.config.base import UnetConfig, VaeConfig

TOKENS = 77  # the length that Stable Diffusion's tools expect
CLIP_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
SPECIAL = ["<|startoftext|>", "<|endoftext|>"]


def vae(config: VaeConfig, bands: int, size: int) -> AutoencoderKL | AutoencoderDC:
    """Autoencoder for images with ``bands`` channels."""
    count = len(config.channels)
    if config.kind == "dc":  # Chen et al. 2025, Deep Compression Autoencoder
        width, layers, plain = config.channels, (1,) * count, ((),) * count
        made = AutoencoderDC(
            in_channels=bands, latent_channels=config.latent,
            encoder_block_out_channels=width, decoder_block_out_channels=width,
            encoder_layers_per_block=layers, decoder_layers_per_block=layers,
            encoder_qkv_multiscales=plain, decoder_qkv_multiscales=plain,
        )  # fmt: skip
        made.register_to_config(block_out_channels=width)  # StableDiffusionPipeline reads the factor from it
        return made
    return AutoencoderKL(
        in_channels=bands, out_channels=bands, block_out_channels=config.channels, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * count, up_block_types=("UpDecoderBlock2D",) * count,
        latent_channels=config.latent, norm_num_groups=8, mid_block_add_attention=False, sample_size=size,
    )  # fmt: skip


def unet(config: UnetConfig, latent: int, size: int) -> UNet2DConditionModel:
    """Denoiser for latents (latent, size, size); no attention at the finest resolution."""
    count = len(config.channels) - 1
    return UNet2DConditionModel(
        sample_size=size, in_channels=latent, out_channels=latent, block_out_channels=config.channels,
        layers_per_block=config.layers, norm_num_groups=config.groups,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * count,
        up_block_types=("CrossAttnUpBlock2D",) * count + ("UpBlock2D",),
        cross_attention_dim=config.text_width,
        attention_head_dim=tuple(max(1, c // config.head) for c in config.channels),
    )  # fmt: skip


def tokenizer(texts: Iterable[str]) -> CLIPTokenizer:
    """CLIP tokenizer with byte pairs learned from the dataset's own captions; it encodes any text."""
    model = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    words = pre_tokenizers.Split(Regex(CLIP_WORDS), "removed", invert=True)
    model.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(False, use_regex=False)])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    # Every byte may end a word, also one that never did in the captions; named here, because the trainer
    # would number those it meets in the random order of a hash table.
    ends = [f"{letter}</w>" for letter in alphabet]
    trainer = trainers.BpeTrainer(
        vocab_size=2000, min_frequency=2, special_tokens=SPECIAL + ends, initial_alphabet=alphabet,
        end_of_word_suffix="</w>", show_progress=False,
    )  # fmt: skip
    model.train_from_iterator([t.lower() for t in texts], trainer)
    body = json.loads(model.to_str())["model"]
    merges = [tuple(m) for m in body["merges"]]
    return CLIPTokenizer(vocab=body["vocab"], merges=merges, model_max_length=TOKENS, pad_token=SPECIAL[1])


def text_encoder(config: UnetConfig, tokens: CLIPTokenizer) -> CLIPTextModel:
    """Small CLIP text encoder."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens), hidden_size=config.text_width, intermediate_size=4 * config.text_width,
            num_hidden_layers=config.text_layers, num_attention_heads=4, max_position_embeddings=TOKENS,
            bos_token_id=tokens.bos_token_id, eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
        )
    )  # fmt: skip


def scheduler(config: UnetConfig) -> DDPMScheduler:
    """Stable Diffusion's schedule; with v-prediction it ends in pure noise (Lin et al. 2024).

    A schedule that leaves signal at its end would tell the denoiser the mean colour, and with it the class
    mix, which it never gets when sampling.
    """
    v = config.prediction == "v_prediction"
    return DDPMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        prediction_type=config.prediction, clip_sample=False, rescale_betas_zero_snr=v,
        timestep_spacing="trailing" if v else "leading", steps_offset=1,
    )  # fmt: skip

"""The ControlNet on a base: how it starts, what of the base may learn along, and both on disk."""

from pathlib import Path

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from landloom.conditions.group import Conditions
from landloom.config.image_train import ImageTrainConfig
from landloom.diffusion import lora
from landloom.errors import InputError
from landloom.models.bundle import Bundle

STEM = (16, 32, 96, 256)  # ControlNet's own widths, for a VAE that shrinks eight times
SMALL = 0.03
"""Standard deviation of the outgoing layers with ``init: small``."""
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
DECODER = "decoder.safetensors"
"""The base's decoder, if it was trained along."""
STEMS = "stems.safetensors"
"""Stems of the hints behind the first one, if there are any."""


def build(config: ImageTrainConfig, model: Bundle, hint: int) -> ControlNetModel:
    """A ControlNet whose own stem takes a hint of ``hint`` channels, such as one-hot masks.

    Small random weights come from torch's global generator.

    Raises:
        InputError: its stem does not shrink masks as the base's autoencoder does images.
    """
    channels = config.channels or stem(model.factor)
    own, wanted = len(channels), model.factor.bit_length()
    if own != wanted:
        found = f"{own} halve a mask {own - 1} times, the base halves an image {wanted - 1} times"
        raise InputError("image_train.channels", found, f"Give {wanted}, or leave them out")
    made = ControlNetModel.from_unet(
        model.unet, conditioning_embedding_out_channels=channels, conditioning_channels=hint
    ).requires_grad_(True)
    if config.init == "small":
        ends = [
            *made.controlnet_down_blocks,
            made.controlnet_mid_block,
            made.controlnet_cond_embedding.conv_out,
        ]
        for layer in ends:
            nn.init.normal_(layer.weight, std=SMALL)
    return made


def stem(factor: int) -> tuple[int, ...]:
    """Widths of the hint's stem: each one after the first halves the size once."""
    return (
        STEM[: factor.bit_length()]
        if factor.bit_length() <= len(STEM)
        else STEM + (256,) * (factor.bit_length() - 4)
    )


def stems(made: ControlNetModel, conditions: Conditions) -> nn.ModuleDict:
    """Stems of the hints behind the first one, whose stem is the ControlNet's own; they are summed up.

    Each sees the channels of its own hint, and ends in a layer of zeros: a new hint changes nothing at first.
    """
    width, widths = made.config.block_out_channels[0], made.config.conditioning_embedding_out_channels
    found = {
        c.name: ControlNetConditioningEmbedding(width, len(c.channels), tuple(widths))
        for c in conditions.hints[1:]
    }
    return nn.ModuleDict(found).to(made.device, made.dtype)


def decoder(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """The decoder's parameters by name: up blocks and output, as ``sd_locked=False`` of Zhang et al."""
    ends = ("up_blocks.", "conv_norm_out.", "conv_out.")
    return {n: p for n, p in unet.named_parameters() if n.startswith(ends)}


def adapt(unet: UNet2DConditionModel, config: ImageTrainConfig) -> None:
    """Freeze the base but for what shall learn: its decoder, or LoRA matrices on its attention."""
    unet.requires_grad_(False)
    if config.unlock:
        for weight in decoder(unet).values():
            weight.requires_grad_(True)
    if config.lora:
        unet.add_adapter(LoraConfig(r=config.lora, lora_alpha=config.lora, target_modules=ATTENTION))


def save(
    folder: Path, controlnet: ControlNetModel, unet: UNet2DConditionModel, config: ImageTrainConfig,
    stems: nn.ModuleDict | None = None,
) -> None:  # fmt: skip
    """Write a folder that ``ControlNetModel.from_pretrained`` reads, and what of the base has learned."""
    controlnet.save_pretrained(folder)
    if stems:
        save_file({n: p.contiguous() for n, p in stems.state_dict().items()}, folder / STEMS)
    if config.unlock:
        save_file({n: p.detach().contiguous() for n, p in decoder(unet).items()}, folder / DECODER)
    if config.lora:
        lora.save(unet, folder)


def load(folder: Path, model: Bundle, device: torch.device, dtype: torch.dtype) -> ControlNetModel:
    """Read the ControlNet; what was trained along takes its place in ``model``."""
    control = ControlNetModel.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    if (folder / DECODER).is_file():
        model.unet.load_state_dict(load_file(folder / DECODER), strict=False)
    if (folder / lora.WEIGHTS).is_file():
        lora.load(model.unet, folder)
        model.unet.to(device, dtype)
    return control.to(device, dtype).requires_grad_(False).eval()


def load_stems(folder: Path, made: ControlNetModel, conditions: Conditions) -> nn.ModuleDict:
    """Stems that ``save`` wrote, for the conditions of the same folder."""
    found = stems(made, conditions)
    if found:
        found.load_state_dict(load_file(folder / STEMS))
    return found.requires_grad_(False).eval()

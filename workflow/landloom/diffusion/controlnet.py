"""The ControlNet on a base: how it starts, what of the base may learn along, and both on disk."""

from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from torch import nn

from landloom.conditions.group import Conditions
from landloom.config.image_train import ImageTrainConfig
from landloom.diffusion import lora
from landloom.errors import InputError
from landloom.models.families.base import Bundle, Control
from landloom.runtime import phases
from landloom.runtime.reading import network_of, reading

STEM = (16, 32, 96, 256)  # ControlNet's own widths, for a VAE that shrinks eight times
SMALL = 0.03
"""Standard deviation of the outgoing layers with ``init: small``."""
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
DECODER = "decoder.safetensors"
"""The base's decoder, if it was trained along."""
STEMS = "stems.safetensors"
"""Stems of the hints behind the first one, if there are any."""


def build(config: ImageTrainConfig, model: Bundle, hint: int) -> Control:
    """A ControlNet that takes a hint of ``hint`` channels, such as one-hot masks.

    Small random weights come from torch's global generator.

    Raises:
        InputError: its stem does not shrink masks as the base's autoencoder does images.
    """
    channels = config.channels or stem(model.factor)
    own, wanted = len(channels), model.factor.bit_length()
    if own != wanted:
        found = f"{own} halve a mask {own - 1} times, the base halves an image {wanted - 1} times"
        raise InputError("image_train.channels", found, f"Give {wanted}, or leave them out")
    made = model.controlled(hint, channels)
    if config.init == "small":
        for layer in model.ends(made):
            nn.init.normal_(layer.weight, std=SMALL)
    return made


def stem(factor: int) -> tuple[int, ...]:
    """Widths of the hint's stem: each one after the first halves the size once."""
    return (
        STEM[: factor.bit_length()]
        if factor.bit_length() <= len(STEM)
        else STEM + (256,) * (factor.bit_length() - 4)
    )


def stems(model: Bundle, made: Control, conditions: Conditions) -> nn.ModuleDict:
    """Stems of the hints behind the first one, whose stem is the ControlNet's own; they are summed up.

    Each sees the channels of its own hint, and ends in a layer of zeros: a new hint changes nothing at first.
    """
    found = {c.name: model.stem(made, len(c.channels)) for c in conditions.hints[1:]}
    return nn.ModuleDict(found).to(made.device, made.dtype)


def adapt(model: Bundle, config: ImageTrainConfig) -> None:
    """Freeze the base but for what shall learn: its decoder, or LoRA matrices on its attention."""
    model.network.requires_grad_(False)
    if config.unlock:
        for weight in model.decoder().values():
            weight.requires_grad_(True)
    if config.lora:
        model.network.add_adapter(LoraConfig(r=config.lora, lora_alpha=config.lora, target_modules=ATTENTION))


@phases.during("write")
def save(
    folder: Path, controlnet: Control, model: Bundle, config: ImageTrainConfig,
    stems: nn.ModuleDict | None = None,
) -> None:  # fmt: skip
    """Write a folder that ``from_pretrained`` of its class reads, and what of the base has learned."""
    controlnet.save_pretrained(folder)
    if stems:
        save_file({n: p.contiguous() for n, p in stems.state_dict().items()}, folder / STEMS)
    if config.unlock:
        save_file({n: p.detach().contiguous() for n, p in model.decoder().items()}, folder / DECODER)
    if config.lora:
        lora.save(model, folder)


@phases.during("load")
def load(folder: Path, model: Bundle, device: torch.device, dtype: torch.dtype) -> Control:
    """Read the ControlNet; what was trained along takes its place in ``model``."""
    with reading(folder, "holds no ControlNet of this base", "Run image_train again, or restore the folder"):
        network_of(folder / "config.json", "Run image_train again")
        control = model.control.from_pretrained(folder, use_safetensors=True, local_files_only=True)
        if (folder / DECODER).is_file():
            model.network.load_state_dict(load_file(folder / DECODER), strict=False)
    if (folder / lora.WEIGHTS).is_file():
        lora.load(model, folder)
        model.network.to(device, dtype)
    return control.to(device, dtype).requires_grad_(False).eval()


def load_stems(folder: Path, model: Bundle, made: Control, conditions: Conditions) -> nn.ModuleDict:
    """Stems that ``save`` wrote, for the conditions of the same folder."""
    found = stems(model, made, conditions)
    if found:
        with reading(
            folder / STEMS,
            "does not hold the stems of its conditions",
            "Run image_train again, or restore the folder",
        ):
            found.load_state_dict(load_file(folder / STEMS))
    return found.requires_grad_(False).eval()

"""A new image generator that begins with the weights of a trained one, so that it learns only what is new.

What both are told keeps its weights. A hint or an embedding that the old one was not told begins as it always
does, at zero: before its first step the new generator makes the images of the old one. New tokens share its
attention at once, so with them it does not quite.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor, nn

from landloom.conditions import registry
from landloom.conditions.group import Conditions
from landloom.diffusion import controlnet, lora
from landloom.diffusion.denoiser import Denoiser
from landloom.errors import InputError
from landloom.runtime.reading import reading

FIELD = "image_train.start"


def begin(denoiser: Denoiser, folder: Path) -> None:
    """Put the weights of a trained ControlNet's folder into a denoiser that is ready to be trained.

    The folder is one of Landloom, or any that ``ControlNetModel.save_pretrained`` wrote, whose hint then must
    have as many channels as the new one's first.

    Raises:
        InputError: the folder is no ControlNet, was told what the new one is not, or has other sizes.
    """
    control, told = denoiser.controlnet, denoiser.conditions
    assert control is not None
    try:
        old = type(control).from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError) as error:
        reason = f"{folder} cannot be read as a ControlNet ({error})"
        raise InputError(FIELD, reason, "Give a folder that ControlNetModel.save_pretrained wrote") from None
    if (folder / registry.FILE).is_file():
        before = registry.load(folder)
        _agree(before, told, folder)
        for c in before:
            _fill(told.members[c.name].module, _state(c.module), f"the condition '{c.name}'", folder)
    _fill(control, old.state_dict(), "the ControlNet", folder)
    _stems(denoiser, folder)
    _base(denoiser, folder)


def _agree(before: Conditions, told: Conditions, folder: Path) -> None:
    """Refuse what could not be carried over by name.

    Raises:
        InputError: names what both are told.
    """
    names, ours = list(before.members), list(told.members)
    lost = set(names) - set(ours)
    moved = [c.name for c in before.hints][:1] != [c.name for c in told.hints][:1]
    if lost or moved:
        found = f"the model in {folder} was told {', '.join(names)}, this one is told {', '.join(ours)}"
        raise InputError(FIELD, found, "Switch the same conditions on, or train without start")
    for c in before.hints:
        if c.channels != told.members[c.name].channels:
            channels = f"{', '.join(c.channels)}; here they are {', '.join(told.members[c.name].channels)}"
            found = f"channels of '{c.name}' in {folder} are {channels}"
            raise InputError(FIELD, found, "Start from a model of the same classes and bands")


def _stems(denoiser: Denoiser, folder: Path) -> None:
    """Stems of further hints; one that the old model lacks keeps its last layer of zeros."""
    file = folder / controlnet.STEMS
    weights = _weights(file) if file.is_file() else {}
    for name, stem in denoiser.stems.items():
        own = {k.removeprefix(f"{name}."): v for k, v in weights.items() if k.startswith(f"{name}.")}
        if own:
            _fill(stem, own, f"the stem of '{name}'", folder)


def _weights(file: Path) -> dict[str, Tensor]:
    with reading(file, "no safetensors file", "Start from a folder that is whole"):
        return load_file(file)


def _base(denoiser: Denoiser, folder: Path) -> None:
    """What of the base has learned along with the old ControlNet: it fits no other base weights.

    Raises:
        InputError: it would be lost, because the new training leaves the base as it is.
    """
    adapted = bool(getattr(denoiser.network, "peft_config", None))
    opened = any(p.requires_grad for p in denoiser.network.parameters()) and not adapted
    for file, key, on in ((controlnet.DECODER, "unlock", opened), (lora.WEIGHTS, "lora", adapted)):
        if (folder / file).is_file() and not on:
            found = f"{folder} was trained with {key}, which is off here"
            raise InputError(FIELD, found, f"Set image_train.{key} as it was there")
    if (folder / controlnet.DECODER).is_file():
        decoder = _weights(folder / controlnet.DECODER)
        _fill(denoiser.network, denoiser.network.state_dict() | decoder, "the decoder", folder)
    if (folder / lora.WEIGHTS).is_file():
        matrices = lora.read(denoiser.model, folder)
        _same(get_peft_model_state_dict(denoiser.network), matrices, "the LoRA", folder)
        set_peft_model_state_dict(denoiser.network, matrices)


def _state(module: nn.Module | None) -> dict[str, Tensor]:
    return {} if module is None else module.state_dict()


def _fill(module: nn.Module | None, weights: Mapping[str, Tensor], what: str, folder: Path) -> None:
    if module is not None and weights:
        _same(module.state_dict(), weights, what, folder)
        module.load_state_dict(weights)


def _same(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], what: str, folder: Path) -> None:
    """Make sure that weights have the same names and shapes.

    Raises:
        InputError: names the first that differs, with both shapes.
    """
    for name in sorted(set(ours) | set(theirs)):
        here, there = (tuple(w[name].shape) if name in w else None for w in (ours, theirs))
        if here != there:
            shapes = json.dumps({"there": there, "here": here})
            found = f"{what} in {folder} has other sizes: {name} {shapes}"
            raise InputError(FIELD, found, "Start from a model on the same base with the same settings")

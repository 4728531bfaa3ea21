"""Networks of segmentation-models-pytorch: made by name, saved so that it alone can load them."""

import difflib
from pathlib import Path
from typing import cast

import segmentation_models_pytorch as smp
import timm
import torch
from segmentation_models_pytorch.encoders import get_encoder_names
from torch import nn

from landloom.config.segment import Network, SegmentConfig
from landloom.errors import InputError
from landloom.runtime import phases
from landloom.runtime.reading import network_of, reading
from landloom.segmentation import pretrained

ARCHITECTURES = tuple(a.__name__ for a in smp.MODEL_ARCHITECTURES_MAPPING.values())


def build(network: Network, bands: int, classes: int) -> nn.Module:
    """Make a network that maps images (B, bands, H, W) in [-1, 1] to logits (B, classes, H, W).

    Random weights come from torch's global generator.

    Raises:
        InputError: a name is unknown, encoder and architecture do not fit, or weights are not there.
    """
    _require("architecture", network.architecture, ARCHITECTURES)
    _require("encoder", network.encoder, encoders(network.encoder))
    if missing := pretrained.lacking(network):
        raise missing[0]
    own = pretrained.local(network.weights)
    try:
        model: nn.Module = smp.create_model(
            network.architecture,
            encoder_name=network.encoder,
            encoder_weights=None if own else network.weights,
            in_channels=bands,
            classes=classes,
        )
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"segment.networks ({network.architecture}, {network.encoder}, weights {network.weights})",
            f"the network cannot be made: {error}",
            "Choose another pair, or put pretrained weights in the local cache first",
        ) from error
    if own:
        pretrained.fill(cast(nn.Module, model.encoder), str(network.weights), bands)
    return model


def encoders(like: str) -> list[str]:
    """Names of known encoders; those of timm ('tu-...') only when one of them was asked for."""
    if not like.startswith("tu-"):
        return list(get_encoder_names())
    return [f"tu-{m}" for m in timm.list_models() + timm.list_pretrained()]


def _require(kind: str, name: str, known: list[str] | tuple[str, ...]) -> None:
    if name.lower() in (k.lower() for k in known):
        return
    near = difflib.get_close_matches(name, known, 5, 0.4) or list(known)[:10]
    raise InputError(f"segment.networks: {kind}", f"'{name}' is unknown", f"Did you mean {', '.join(near)}?")


def check_size(model: nn.Module, bands: int, size: int) -> None:
    """Raise InputError when a network cannot take tiles of ``size`` pixels; tried on an empty tile."""
    model.eval()
    try:
        with torch.no_grad():
            model(torch.zeros(1, bands, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise InputError(
            f"segment.networks ({type(model).__name__})",
            f"cannot take tiles of {size} px: {error}",
            "Change tile.size or choose another network",
        ) from error


def problems(segment: SegmentConfig, size: int) -> list[InputError]:
    """What is wrong with the configured networks for tiles of ``size`` pixels; each is built once."""
    found: list[InputError] = []
    for network in segment.networks.values():
        if missing := pretrained.lacking(network):
            found += missing
            continue
        try:
            check_size(build(network, 3, 2), 3, size)
        except InputError as error:
            found.append(error)
    return found


@phases.during("write")
def save(model: nn.Module, folder: Path) -> None:
    """Write a network for ``smp.from_pretrained(folder)``.

    The name of pretrained encoder weights is left out of its config: the loader would fetch them, only to
    overwrite them. Nor is the library's model card kept: it gives the weights a licence, which is not ours
    to give.
    """
    config = model.config
    assert isinstance(config, dict)
    config["encoder_weights"] = None
    model.save_pretrained(folder)  # type: ignore[operator]
    (folder / "README.md").unlink()


@phases.during("load")
def load(folder: Path) -> nn.Module:
    """Read a network written by ``save``, in evaluation mode.

    Raises:
        InputError: the folder holds no such network.
    """
    if not (folder / "config.json").is_file():
        raise InputError(folder, "holds no segmentation network", "Run segment again")
    with reading(folder, "holds no segmentation network", "Run segment again"):
        network_of(folder / "config.json", "Run segment again", "holds no segmentation network")
        model: nn.Module = smp.from_pretrained(folder)
        return model.eval()

"""Encoder weights that are on this machine: of an installed package, or in a safetensors file.

Images stay in [-1, 1] as everywhere: those of ImageNet were scaled to it for EfficientNet-Lite (mean 127,
scale 128), and the means and variances in its first normalisation fit that better than standard scores.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from timm.models import adapt_input_conv
from torch import Tensor, nn

from landloom.conditions import efficientnet
from landloom.conditions.patch_extractors import PACKAGES
from landloom.config.segment import Network
from landloom.errors import InputError
from landloom.runtime.reading import reading

ENCODER = "tu-tf_efficientnet_lite0"
"""The encoder whose weights the package holds."""
PACKAGE = PACKAGES[1]
BLOCKS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks of each stage of EfficientNet-Lite0: timm counts them within a stage, the package throughout."""
PARTS = {
    "_expand_conv": "conv_pw", "_depthwise_conv": "conv_dw", "_project_conv": "conv_pwl",
    "_bn0": "bn1", "_bn1": "bn2", "_bn2": "bn3",
}  # fmt: skip
FIRST = PARTS | {"_project_conv": "conv_pw", "_bn1": "bn1", "_bn2": "bn2"}
"""Parts of a block, and of the first one, which expands nothing."""
STEM = {"_conv_stem": "conv_stem", "_bn0": "bn1"}


def local(weights: str | None) -> bool:
    """Whether weights are to be had without segmentation-models-pytorch."""
    return weights == "package" or str(weights).endswith(".safetensors")


def lacking(network: Network, key: str = "segment.networks") -> list[InputError]:
    """Why the local weights of a network, which stands under a key of the config, cannot be had."""
    weights, where = network.weights, f"{key}: weights"
    if weights != "package":
        if not local(weights) or Path(str(weights)).is_file():
            return []
        return [InputError(where, f"there is no file {weights}", "Give a safetensors file of the encoder")]
    found = []
    if network.encoder.lower() != ENCODER:
        what = f"'package' holds no weights of the encoder {network.encoder}"
        found.append(InputError(where, what, f"Write encoder: {ENCODER}, or other weights"))
    if importlib.util.find_spec(PACKAGE) is None:
        remedy = "Run: pip install 'landloom[features]'"
        found.append(InputError(where, f"the package {PACKAGE} is not installed", remedy))
    return found


def fill(encoder: nn.Module, weights: str, bands: int) -> None:
    """Put local weights into an encoder for images of ``bands`` bands.

    Weights for three bands are repeated for others and scaled by 3 / ``bands``, or summed for one, as
    segmentation-models-pytorch does.

    Raises:
        InputError: the file is none of the encoder's.
    """
    state = package_state() if weights == "package" else file_state(Path(weights))
    wanted = encoder.state_dict()
    found = {k: state[n] for k in wanted for n in (k, k.removeprefix("model.")) if n in state}
    first = next(n for n, m in encoder.named_modules() if isinstance(m, nn.Conv2d)) + ".weight"
    if first in found and found[first].ndim == 4 and found[first].shape[1] == 3:
        found[first] = adapt_input_conv(bands, found[first])
    unlike = [k for k, v in wanted.items() if k not in found or found[k].shape != v.shape]
    if unlike:
        what = f"{len(unlike)} of the encoder's {len(wanted)} tensors are not there in its shape: {unlike[0]}"
        raise InputError(weights, what, "Give the state of the same encoder, with the names of its own")
    encoder.load_state_dict(found)


def file_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file."""
    with reading(path, "no safetensors file", "Give another one"):
        return load_file(path)


def package_state() -> dict[str, Tensor]:
    """EfficientNet-Lite0 of the package, without its head, by timm's names."""
    state, names = efficientnet.package_weights(), timm_names()
    return {names[k.rpartition(".")[0]] + "." + k.rpartition(".")[2]: v for k, v in _without_head(state)}


def timm_names() -> Mapping[str, str]:
    """What timm calls each module of the package's network."""
    names, index = dict(STEM), 0
    for stage, count in enumerate(BLOCKS):
        for block in range(count):
            parts = PARTS if index else FIRST
            names |= {f"_blocks.{index}.{own}": f"blocks.{stage}.{block}.{p}" for own, p in parts.items()}
            index += 1
    return names


def _without_head(state: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    return [(k, v) for k, v in state.items() if k.partition(".")[0] not in ("_conv_head", "_bn1", "_fc")]

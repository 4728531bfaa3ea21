"""What a network sees in an image, place by place: features on a grid that lies over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.conditions import efficientnet
from landloom.conditions.efficientnet import Standardised
from landloom.conditions.patch_extractors import LITE0, REMEDY, Facts, facts
from landloom.data.statistics import preview
from landloom.errors import InputError
from landloom.provenance import records
from landloom.runtime.importing import importing
from landloom.runtime.reading import reading

BLOCKS = 11
"""Blocks of EfficientNet-Lite0 before it halves its maps for the last time."""


@dataclass(frozen=True)
class GridFeatures:
    """Takes features from images of one dataset.

    Attributes:
        extractor: name of the network, or its folder.
        grid: places along a side.
        width: number of features at a place, D.
        low: value of each band (C,), in the image's own units, that becomes black.
        high: value of each band (C,) that becomes white.
        rgb: bands that make a picture, from 0: three, or one.
    """

    extractor: str
    grid: int
    width: int
    low: Sequence[float]
    high: Sequence[float]
    rgb: Sequence[int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Features of one image: D, and places along both sides."""
        return self.width, self.grid, self.grid

    def picture(self, image: NDArray[Any]) -> Tensor:
        """Picture (3, H, W), uint8, of an image (C, H, W)."""
        return torch.from_numpy(preview(image, self.low, self.high, self.rgb)).movedim(-1, 0).contiguous()

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> Tensor:
        """Features (N, D, g, g), half precision, of pictures (N, 3, H, W); of length 1 at each place.

        Raises:
            InputError: the extractor cannot be read, or sees nothing at some place.
        """
        maps = load(self.extractor)(pictures).float()
        found = F.normalize(F.adaptive_avg_pool2d(maps, self.grid), dim=1).half().cpu()
        if not found.isfinite().all() or not found.any(1).all():
            text = "its features of an image are zero, or no numbers"
            raise InputError(f"embedding.extractor: {self.extractor}", text, "Take another one")
        return found


class LiteMaps(nn.Module):
    """Maps (N, 112, 14, 14) of EfficientNet-Lite0 for uint8 pictures (N, 3, H, W)."""

    def __init__(self, known: Facts) -> None:
        super().__init__()
        self.network, self.standardised = efficientnet.network(), Standardised(known)

    def forward(self, pictures: Tensor) -> Tensor:
        """Maps of pictures."""
        net: Any = self.network
        x = net._swish(net._bn0(net._conv_stem(self.standardised(pictures))))
        for block in net._blocks[:BLOCKS]:
            x = block(x)
        return torch.as_tensor(x)


class TransformerMaps(nn.Module):
    """Patches of a vision transformer as maps (N, D, h, h), for uint8 pictures (N, 3, H, W).

    Args:
        folder: as transformers saved it. No code and no pickle of it is run.
        known: sizes and scaling.
    """

    def __init__(self, folder: Path, known: Facts) -> None:
        super().__init__()
        with importing():
            from transformers import AutoModel
        with reading(folder, "cannot be read as a vision transformer", REMEDY):
            self.network, told = AutoModel.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, trust_remote_code=False,
                output_loading_info=True,
            )  # fmt: skip
        # What is missing got random weights; the pooled vector is not read.
        if gone := sorted(k for k in told["missing_keys"] if not k.startswith("pooler.")):
            raise InputError(folder, f"has no weights for {gone[0]}", REMEDY)
        self.known, self.standardised = known, Standardised(known)

    def forward(self, pictures: Tensor) -> Tensor:
        """Maps of pictures; tokens that are no patches stand before them."""
        count = self.known.cells**2
        tokens = self.network(pixel_values=self.standardised(pictures)).last_hidden_state
        if tokens.ndim != 3 or tokens.shape[1] < count:
            found = f"answers with {tuple(tokens.shape[1:])}, and not with {count} patches"
            raise InputError("embedding.extractor", found, REMEDY)
        return torch.as_tensor(tokens[:, -count:].mT.unflatten(2, (self.known.cells, -1)))


class OnDevice(nn.Module):
    """A network on the GPU, if there is one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self.device).eval().requires_grad_(False)

    def forward(self, pictures: Tensor) -> Tensor:
        """What it answers."""
        return torch.as_tensor(self.network(pictures.to(self.device)))


@cache
def load(extractor: str) -> nn.Module:
    """What maps uint8 pictures (N, 3, H, W) to features (N, D, h, h).

    Raises:
        InputError: it cannot be read.
    """
    known = facts(extractor)
    return OnDevice(LiteMaps(known) if extractor == LITE0 else TransformerMaps(Path(extractor), known))


@cache
def digest(extractor: str) -> str:
    """SHA-256 of an extractor's weights, or of the files of its folder.

    Raises:
        InputError: it is not there.
    """
    facts(extractor)
    return records.digest(efficientnet.package_file() if extractor == LITE0 else Path(extractor))

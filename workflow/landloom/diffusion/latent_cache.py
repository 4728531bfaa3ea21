"""The latent cache: everything that LoRA and ControlNet training read, computed once by ``encode``."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from landloom.data.pictures import Painted
from landloom.data.symmetry import COUNT, Augment, turn
from landloom.errors import InputError
from landloom.models.bundle import Bundle
from landloom.runtime import progress


@dataclass
class LatentCache:
    """Latents of N tiles in A mirrored or turned variants.

    Attributes:
        images: image latents (N, A, c, h, w).
        masks: latents of palette-coloured masks (N, A, c, h, w); A is 0 when the base knows no masks.
        labels: class indices (N, H, W), untransformed.
        ratios: class shares (N, K).
        captions: row of each tile's caption in ``text`` (N,).
        prompts: row of each tile's mask prompt in ``text`` (N,).
        text: embeddings of distinct texts (P, T, D); row 0 is the empty text.
        ids: tile names.
        more: what conditions keep of tiles (N, ...), by the condition's name.
    """

    images: Tensor
    masks: Tensor
    labels: Tensor
    ratios: Tensor
    captions: Tensor
    prompts: Tensor
    text: Tensor
    ids: list[str]
    more: dict[str, Tensor] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Tensor]:
        """What conditions read, by name of a sample's field; captions and prompts are rows of ``text``."""
        return {
            "caption": self.captions, "prompt": self.prompts, "ratios": self.ratios, "mask": self.labels,
        } | self.more  # fmt: skip

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        tensors = {k: v for k, v in (vars(self) | self.more).items() if isinstance(v, Tensor)}
        save_file(
            {k: v.contiguous() for k, v in tensors.items()}, path, metadata={"ids": json.dumps(self.ids)}
        )


def load(paths: Sequence[Path]) -> LatentCache:
    """Read and join the caches of several scenes; only one of them is in memory beside the whole.

    Raises:
        InputError: there is no tile in any of them.
    """
    shapes = {p: s for p in paths if (s := _shapes(p))["labels"][0]}
    if not shapes:
        raise InputError(
            paths[0].parent, "no training tile was encoded", "Look at check and tile for this dataset"
        )
    joined: dict[str, Tensor] = {}
    filled, ids = Counter[str](), list[str]()
    for path in shapes:
        part, names = _read(path, filled["text"])
        for key, tensor in part.items():
            if key not in joined:
                joined[key] = tensor.new_empty(sum(s[key][0] for s in shapes.values()), *tensor.shape[1:])
            joined[key][filled[key] : filled[key] + len(tensor)] = tensor
            filled[key] += len(tensor)
        ids += names
    more = {key: joined.pop(key) for key in [*joined] if key not in LatentCache.__annotations__}
    return LatentCache(**joined, ids=ids, more=more)


def _shapes(path: Path) -> dict[str, list[int]]:
    """Shapes of the tensors in a file, without reading them."""
    with safe_open(path, framework="pt") as file:
        return {k: file.get_slice(k).get_shape() for k in file.keys()}  # noqa: SIM118


def _read(path: Path, offset: int) -> tuple[dict[str, Tensor], list[str]]:
    """Tensors and tile names of a file; its rows of texts count from ``offset``."""
    with safe_open(path, framework="pt") as file:
        part = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
        return part | {k: part[k] + offset for k in ("captions", "prompts")}, json.loads(
            file.metadata()["ids"]
        )


def encode(
    bundle: Bundle, parts: Sequence[Tensor | Painted], size: int, augment: Augment, batch: int
) -> Tensor:
    """Latents (N, A, c, h, w) of all variants of pictures (C, size, size), one part after the other."""
    side, total = size // bundle.factor, sum(map(len, parts))
    latents = torch.empty(total, COUNT[augment], int(bundle.vae.config.latent_channels), side, side)
    batches = (part[i : i + batch] for part in parts for i in range(0, len(part), batch))
    start = 0
    for pictures in progress.shown(batches, "latents of pictures", total, batch):
        end = start + len(pictures)
        for variant in range(COUNT[augment]):
            latents[start:end, variant] = bundle.encode(turn(pictures.float(), variant)).float().cpu()
        start = end
    return latents

"""The latent cache: everything that LoRA and ControlNet training read, computed once by ``encode``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from landloom.errors import InputError


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
    """

    images: Tensor
    masks: Tensor
    labels: Tensor
    ratios: Tensor
    captions: Tensor
    prompts: Tensor
    text: Tensor
    ids: list[str]

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        tensors = {k: v.contiguous() for k, v in vars(self).items() if isinstance(v, Tensor)}
        save_file(tensors, path, metadata={"ids": json.dumps(self.ids)})


def load(paths: Sequence[Path]) -> LatentCache:
    """Read and join the caches of several scenes.

    Raises:
        InputError: there is no tile in any of them.
    """
    parts = [_read(p) for p in paths]
    parts = [p for p in parts if p.ids]
    if not parts:
        raise InputError(
            paths[0].parent, "no training tile was encoded", "Look at check and tile for this dataset"
        )
    offsets = torch.tensor([len(p.text) for p in parts]).cumsum(0).roll(1)
    offsets[0] = 0
    for part, offset in zip(parts, offsets, strict=True):
        part.captions, part.prompts = part.captions + offset, part.prompts + offset
    joined = {k: torch.cat([getattr(p, k) for p in parts]) for k in vars(parts[0]) if k != "ids"}
    return LatentCache(**joined, ids=[i for p in parts for i in p.ids])


def _read(path: Path) -> LatentCache:
    with safe_open(path, framework="pt") as file:
        tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
        return LatentCache(**tensors, ids=json.loads(file.metadata()["ids"]))

"""The latent cache: everything that LoRA and ControlNet training read, computed once by ``encode``."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from landloom.data import held_tiles
from landloom.data.symmetry import COUNT, Augment, turn
from landloom.data.tensor_file import Stored, look
from landloom.data.tensor_rows import Chosen, Rows, announce
from landloom.data.tensor_table import Part, Table
from landloom.errors import InputError
from landloom.models.families.base import Bundle
from landloom.runtime import progress
from landloom.runtime.reading import reading

LATENTS = ("images", "masks")
"""Tensors of latents: a training needs one of them."""
FIXED = (*LATENTS, "labels", "ratios", "captions", "prompts", "text")
"""Tensors that every cache has; each other one is a column, with a row for each tile."""


@dataclass
class LatentCache:
    """Latents of N tiles in A mirrored or turned variants.

    Attributes:
        images: image latents (N, A, c, h, w); empty when they were not asked for.
        masks: those of palette-coloured masks, likewise; A is 0 when the base knows no masks.
        labels: class indices (N, H, W), untransformed.
        ratios: class shares (N, K).
        captions: row of each tile's caption in ``text`` (N,).
        prompts: row of each tile's mask prompt in ``text`` (N,).
        text: words of distinct texts (P, T, D) as the base embeds them; row 0 is the empty text.
        ids: tile names.
        more: what conditions keep of tiles (N, ...), by the condition's name.
    """

    images: Rows
    masks: Rows
    labels: Rows
    ratios: Rows
    captions: Rows
    prompts: Rows
    text: Rows
    ids: list[str]
    more: Mapping[str, Rows] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Rows]:
        """What conditions read, by name of a sample's field; captions and prompts are rows of ``text``."""
        fixed = {
            "caption": self.captions, "prompt": self.prompts, "ratios": self.ratios, "mask": self.labels,
        }  # fmt: skip
        return {**self.more, **fixed}


def load(paths: Sequence[Path], latents: Collection[str] = LATENTS) -> LatentCache:
    """Join the caches of several scenes: in memory if ``HELD_BYTES`` has room, else read by rows.

    Of tiles at several scales, those of each stand there as often, the few coarse ones several times.

    Args:
        paths: the caches.
        latents: those that are needed, ``images`` or ``masks``.

    Raises:
        InputError: there is no tile in any of them, or one lacks what the others have.
    """
    files = {p: file for p in paths if (file := _looked(p))[0]["labels"].kind.shape[0]}
    if not files:
        raise InputError(
            paths[0].parent, "no training tile was encoded", "Look at check and tile for this dataset"
        )
    tables = _tables({p: tensors for p, (tensors, _) in files.items()}, set(LATENTS) - set(latents))
    room = held_tiles.shared({name: table.kind.bytes for name, table in tables.items()})
    found = {name: table.rows(room[name]) for name, table in tables.items()}
    fixed = {name: found.pop(name, torch.empty(0)) for name in FIXED}
    named = {path: _ids(path, metadata) for path, (_, metadata) in files.items()}
    ids = [name for names in named.values() for name in names]
    scales = [files[path][1].get("scale", "1") for path, names in named.items() for _ in names]
    if len(set(scales)) == 1:
        return LatentCache(**fixed, ids=ids, more=found)
    order = balanced(scales)
    text = fixed.pop("text")
    again = {name: Chosen(rows, order) if len(rows) else rows for name, rows in (fixed | found).items()}
    fixed = {name: again.pop(name) for name in fixed}
    return LatentCache(**fixed, text=text, ids=[ids[i] for i in order.tolist()], more=again)


def balanced(kinds: Sequence[str]) -> Tensor:
    """Rows of which each kind has as many as the largest one has, its own again and again, in their order."""
    rows = {kind: [i for i, other in enumerate(kinds) if other == kind] for kind in dict.fromkeys(kinds)}
    most = max(map(len, rows.values()))
    return torch.tensor([own[i % len(own)] for own in rows.values() for i in range(most)])


def _looked(path: Path) -> tuple[dict[str, Stored], dict[str, str]]:
    """A file of latents; one with tiles has what any has."""
    tensors, metadata = look(path)
    if "labels" in tensors and tensors["labels"].kind.shape[:1] == (0,):
        return tensors, metadata
    lacks = [name for name in FIXED if name not in tensors or not tensors[name].kind.shape]
    if lacks or "ids" not in metadata:
        found = f"has no {', '.join(lacks)}" if lacks else "does not name its tiles"
        raise InputError(path, f"no file of latents: it {found}", "Run encode again")
    return tensors, metadata


def _ids(path: Path, metadata: Mapping[str, str]) -> list[str]:
    with reading(path, "does not name its tiles", "Run encode again"):
        return [str(name) for name in json.loads(metadata["ids"])]


def _tables(files: Mapping[Path, Mapping[str, Stored]], left_out: Collection[str]) -> dict[str, Table]:
    """Tensors of all files by name; in each file, rows of texts count from those of the files before."""
    parts: dict[str, list[Part]] = {n: [] for n in next(iter(files.values())) if n not in left_out}
    texts = 0
    for path, tensors in files.items():
        if odd := sorted(set(tensors) ^ set(next(iter(files.values())))):
            raise InputError(path, f"'{odd[0]}' is not in all caches", "Run encode again")
        for name, found in parts.items():
            found.append(Part(tensors[name], texts if name in ("captions", "prompts") else 0))
        texts += tensors["text"].kind.shape[0]
    return {name: Table(found, 2 if name in LATENTS else 1) for name, found in parts.items()}


def shape(bundle: Bundle, count: int, size: int, augment: Augment) -> tuple[int, ...]:
    """Shape (N, A, c, h, w) of the latents of pictures of ``size`` pixels."""
    side = size // bundle.factor
    return (count, COUNT[augment], int(bundle.vae.config.latent_channels), side, side)


def encoded(bundle: Bundle, parts: Sequence[Rows], augment: Augment, batch: int) -> Iterator[Tensor]:
    """Latents (B, A, c, h, w), float32, of all variants of pictures (C, H, W), one part after the other."""
    total = sum(map(len, parts))
    for pictures in progress.shown(_batches(parts, batch), "latents of pictures", total, batch):
        found = [bundle.encode(turn(pictures.float(), v)).float().cpu() for v in range(COUNT[augment])]
        yield torch.stack(found, 1)


def _batches(parts: Sequence[Rows], batch: int) -> Iterator[Tensor]:
    """Pictures (B, C, H, W) of parts; the next are read while these are encoded."""
    for part in filter(len, parts):
        rows = torch.arange(len(part)).split(batch)
        for chosen, after in zip(rows, [*rows[1:], None], strict=True):
            pictures = part[chosen]
            if after is not None:
                announce(part, after)
            yield pictures

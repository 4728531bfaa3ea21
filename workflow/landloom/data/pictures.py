"""Training tiles for the base and the baselines: scaled images, masks and words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landloom.data import held_tiles, sample_index, samples, stored_tables
from landloom.data.sample_index import Place
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.data.tensor_rows import Rows, announce
from landloom.data.tile_dataset import Tile, TileDataset
from landloom.errors import InputError
from landloom.raster.palette import paint
from landloom.scenes.splits import UNLABELLED


@dataclass
class Pictures:
    """Training tiles of one or more scenes; pixels may be read when they are asked for.

    There are N tiles with a mask, and M images: theirs, then those of tiles without labels if asked for.

    Attributes:
        images: scaled images (M, C, H, W), float16.
        labels: class indices (N, H, W), uint8.
        ratios: class shares (N, K).
        captions: words for the M images.
        prompts: words for the N masks.
        ids: names of the N tiles.
    """

    images: Rows
    labels: Rows
    ratios: Tensor
    captions: list[str]
    prompts: list[str]
    ids: list[str]

    def painted(self, palette: NDArray[np.float32]) -> "Painted":
        """Masks in the generation palette."""
        return Painted(self.labels, palette)


@dataclass(frozen=True)
class Painted:
    """Masks (N, H, W) as pictures in the codes (K, C) of a palette; each is painted when it is asked for."""

    labels: Rows
    palette: NDArray[np.float32]

    @property
    def shape(self) -> Sequence[int]:
        """(N, C, H, W)."""
        count, *sides = self.labels.shape
        return (count, self.palette.shape[1], *sides)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Any) -> Tensor:
        """Some of them (B, C, H, W), float16."""
        return torch.from_numpy(paint(self.labels[rows].numpy(), self.palette)).half()

    def prefetch(self, rows: Tensor) -> None:
        """Begin to read the masks."""
        announce(self.labels, rows)


class ScaledTiles(TileDataset):
    """Tiles with their images scaled, as float16, where they are decoded: that may be another thread."""

    def _tile(self, sample: Sample) -> Tile:
        tile = super()._tile(sample)
        scaled = torch.from_numpy(self.statistics.scale(tile.image)).half()
        return Tile(scaled.numpy(), tile.mask)


class ImageTiles(ScaledTiles):
    """The same, also of tiles without labels, which get an empty mask that fits no other."""

    def _tile(self, sample: Sample) -> Tile:
        if sample.mask is not None:
            return super()._tile(sample)
        scaled = torch.from_numpy(self.statistics.scale(self._image(sample))).half()
        return Tile(scaled.numpy(), np.empty((0, 0), np.uint8))


class MaskTiles(TileDataset):
    """Tiles without their images, which are not even read."""

    columns: ClassVar[Sequence[str]] = ("id", "mask")

    def _tile(self, sample: Sample) -> Tile:
        mask, size = sample.mask_array(), self.statistics.size
        if mask.shape != (size, size):
            raise InputError(sample.id, f"the mask is {mask.shape}, not {(size, size)}", "Run tile again")
        return Tile(np.empty((0, 0, 0)), mask)


@dataclass(frozen=True)
class TileRows:
    """One side of tiles as rows.

    Attributes:
        tiles: the tiles.
        side: ``image`` or ``mask``.
        shape: of all of them, or of the first ones.
    """

    tiles: TileDataset
    side: str
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Tensor) -> Tensor:
        found = [torch.from_numpy(getattr(t, self.side)) for t in self.tiles.__getitems__(rows.tolist())]
        return torch.stack(found) if found else torch.empty(0, *self.shape[1:])

    def prefetch(self, rows: Tensor) -> None:
        """Begin to decode tiles."""
        self.tiles.prefetch(rows.tolist())


def load(
    statistics: Statistics, tiles: Sequence[Path], captions: Sequence[Path], unlabelled: bool = False
) -> Pictures:
    """Train tiles of shards and their words, if any; tiles of val and test are never touched.

    With ``unlabelled`` the images of tiles without labels follow.
    """
    columns = ["id", "caption", "prompt"]
    words = {r["id"]: r for p in captions for r in stored_tables.rows(p, columns)}
    places, ratios = trained(tiles)
    shown = [*places, *(_without_labels(tiles) if unlabelled else ())]
    images, labels = _pixels(statistics, places, shown)
    return Pictures(
        images=images,
        labels=labels,
        ratios=torch.tensor(ratios).reshape(len(places), len(statistics.classes)),
        captions=[words[p.id]["caption"] for p in shown if words],
        prompts=[words[p.id]["prompt"] for p in places if words],
        ids=[p.id for p in places],
    )


def masks(statistics: Statistics, tiles: Sequence[Path]) -> Rows:
    """Class indices (N, H, W), uint8, of the train tiles of shards.

    Raises:
        InputError: there is no train tile.
    """
    places, side = trained(tiles)[0], statistics.size
    found = MaskTiles(places, statistics, capacity=held_tiles.capacity(0, side, statistics.dtype))
    return TileRows(found, "mask", (len(places), side, side))


def trained(tiles: Sequence[Path]) -> tuple[list[Place], list[list[float]]]:
    """Places of the train tiles of shards, and their class shares."""
    known = samples.columns(tiles, ["split", "ratios"])
    table = zip(sample_index.located(tiles), known["ratios"], known["split"], strict=True)
    found = [(place, ratios) for place, ratios, split in table if split == "train"]
    return [place for place, _ in found], [ratios for _, ratios in found]


def _without_labels(tiles: Sequence[Path]) -> list[Place]:
    """Places of the tiles without labels."""
    splits = samples.columns(tiles, ["split"])["split"]
    return [p for p, split in zip(sample_index.located(tiles), splits, strict=True) if split == UNLABELLED]


def _pixels(statistics: Statistics, places: Sequence[Place], shown: Sequence[Place]) -> tuple[Rows, Rows]:
    """Images of the tiles that are shown and masks of the first of them; there may be none."""
    bands, side = statistics.bands, statistics.size
    shapes = (len(shown), bands, side, side), (len(places), side, side)
    if not shown:
        return torch.empty(shapes[0], dtype=torch.float16), torch.empty(shapes[1], dtype=torch.uint8)
    found = ImageTiles(shown, statistics, capacity=held_tiles.capacity(bands, side, "float16"))
    return TileRows(found, "image", shapes[0]), TileRows(found, "mask", shapes[1])

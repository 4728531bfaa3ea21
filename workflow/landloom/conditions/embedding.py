"""What a network sees in the tile itself, through the tokens' door: what is made is a variation of it.

After Large-Image-Diffusion (Graikos et al. 2024), with one vector a tile, and ZoomLDM (Yellapragada et al.
2025), with a grid of them. Here the grid lies over one tile, each place says where it is, and "not told" is
learned tokens; theirs is a vector of zeros before a layer with a bias.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from landloom.conditions.base import Door, Embed, Host, Training
from landloom.conditions.grid_features import GridFeatures, digest
from landloom.conditions.grid_tokens import GridTokens
from landloom.conditions.of_image import OfImage
from landloom.conditions.patch_extractors import facts
from landloom.config.embedding import KeptEmbeddingConfig
from landloom.config.encode import EncodeConfig
from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.data.symmetry import COUNT, turn
from landloom.errors import InputError

FILE = "embedding.safetensors"


class Embedding(OfImage):
    """Features (B, D, g, g) of the image on a grid, each of length 1; zeros where nothing is told.

    Training shows the features of the turned tile itself, which ``encode`` keeps for each of its variants.
    ``turn`` turns the grid, which is as near to them as the extractor is to turning with its pictures.

    Args:
        features: what takes them.
        width: of the tokens.
        size: side of a tile in pixels.
        dropout: share of samples that learn without it.
        weights: digest of the extractor that it learns from.
    """

    name = "embedding"
    door: ClassVar[Door] = "tokens"

    def __init__(self, features: GridFeatures, width: int, size: int, dropout: float, weights: str) -> None:
        made = GridTokens(features.width, width, features.grid, size)
        super().__init__(torch.zeros(1, 1, 1, dtype=torch.float16), dropout, made)
        self.features, self.width, self.size, self.weights = features, width, size, weights

    @classmethod
    def of(cls, section: KeptEmbeddingConfig, dataset: Statistics, dropout: float, width: int = 4) -> Self:
        """For the tiles of a dataset, and a base whose words are ``width`` wide.

        Raises:
            InputError: there is no such extractor, or it has no grid so fine.
        """
        found = facts(section.extractor, section.grid).width
        own = section.extractor, section.grid, found, dataset.low, dataset.high, dataset.rgb
        return cls(GridFeatures(*own), width, dataset.size, dropout, digest(section.extractor))

    @classmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """Of image generators that have its section."""
        own = getattr(section, cls.name, None)
        return None if own is None else cls.of(own, host.dataset, own.dropout, host.words.shape[2])

    @classmethod
    def recorded(cls, section: EncodeConfig, dataset: Statistics, tiles: Sequence[Path]) -> Tensor | None:
        """Of all tiles, in each of their variants (N, A, D, g, g), if the section asks for it."""
        if section.embedding is None:
            return None
        own, variants = cls.of(section.embedding, dataset, 0).features, range(COUNT[section.augment])
        pictures = (own.picture(t.image_array()) for t in samples.read(tiles, split="train"))
        rows = [own(torch.stack([turn(p, v) for v in variants])) for p in pictures]
        return torch.stack(rows) if rows else torch.empty(0, len(variants), *own.shape, dtype=torch.float16)

    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """Features of the tiles as they are."""
        return self._fitting(rows[self.name])[:, 0]

    def practised(self, rows: Mapping[str, Tensor], variants: Tensor) -> Tensor:
        """Features of the turned tiles, some not told."""
        kept = self._fitting(rows[self.name])
        return self.practise(kept[torch.arange(len(kept)), variants.to(kept.device)])

    def _fitting(self, kept: Tensor) -> Tensor:
        """What ``encode`` kept, if it is of this extractor and grid.

        Raises:
            InputError: it is not.
        """
        if kept.ndim != 5 or tuple(kept.shape[2:]) != self.features.shape:
            found = f"are {tuple(kept.shape[2:])} a tile, and {self.features.extractor} gives "
            remedy = "Run encode again, with the same extractor and grid"
            raise InputError("the embeddings of the latents", f"{found}{self.features.shape}", remedy)
        return kept

    def taken(self, sample: Any) -> Tensor:
        """Features (D, g, g) of a sample's own image.

        Raises:
            InputError: the extractor is not the one that the model was trained with.
        """
        if digest(self.features.extractor) != self.weights:
            found = "holds other weights than those that the model learned from"
            remedy = "Bring those back, or train the model again"
            raise InputError(f"embedding.extractor: {self.features.extractor}", found, remedy)
        return self.features(self.features.picture(sample.image_array())[None])[0]

    @property
    def untaken(self) -> Tensor:
        """Features (D, g, g), none of them told."""
        return self.null.expand(self.features.shape)

    def settings(self) -> dict[str, Any]:
        """Rate, width of tokens, side of a tile, how features are taken, and digest of the extractor."""
        own = {"width": self.width, "size": self.size, "weights": self.weights}
        return super().settings() | own | {"features": asdict(self.features)}

    def save(self, folder: Path) -> None:
        """Write the layers."""
        assert self.module is not None
        save_file({n: p.contiguous() for n, p in self.module.state_dict().items()}, folder / FILE)

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """An embedding for a sampler; the extractor is asked for when there is an image."""
        own = {k: settings[k] for k in ("width", "size", "dropout", "weights")}
        made = cls(GridFeatures(**settings["features"]), **own)
        assert made.module is not None
        made.module.load_state_dict(load_file(folder / FILE))
        made.module.eval().requires_grad_(False)
        return made

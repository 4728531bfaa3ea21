"""What conditions have in common that are taken from the sample's own image, and kept by ``encode``."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from landloom.conditions.base import Condition, Door, Host, Training
from landloom.config.encode import EncodeConfig
from landloom.config.section import Section
from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.data.symmetry import turn_each
from landloom.errors import InputError


class OfImage(Condition):
    """A condition that is taken from the image itself; a sample that has none yet is told nothing.

    Its section has one name (``name``) in ``encode`` and in ``image_train``.
    """

    door: ClassVar[Door] = "hint"

    @classmethod
    @abstractmethod
    def of(cls, section: Any, dataset: Statistics, dropout: float) -> Self:
        """As a section of ``encode`` or ``image_train`` says it, for the tiles of a dataset."""

    @abstractmethod
    def taken(self, sample: Any) -> Tensor:
        """What it takes from a sample's image, without the batch."""

    @property
    @abstractmethod
    def untaken(self) -> Tensor:
        """The null in the shape of ``taken``."""

    @classmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """Of image generators that have its section."""
        own = getattr(section, cls.name, None)
        return None if own is None else cls.of(own, host.dataset, own.dropout)

    @classmethod
    def recorded(cls, section: EncodeConfig, dataset: Statistics, tiles: Sequence[Path]) -> Tensor | None:
        """Of all tiles, if the section asks for it."""
        asked: Section | None = getattr(section, cls.name)
        if asked is None:
            return None
        own = cls.of(asked, dataset, 0)
        rows = [own.taken(tile) for tile in samples.read(tiles, split="train")]
        return torch.stack(rows) if rows else own.untaken[None][:0]

    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """What ``recorded`` made of the tiles."""
        return rows[self.name]

    def load(self, samples: Sequence[Any]) -> Tensor:
        """Of the samples' own images; a sample without an image is told nothing.

        Raises:
            InputError: there is no image, and training always showed one.
        """
        return torch.stack([self._one(s) for s in samples])

    def _one(self, sample: Any) -> Tensor:
        if self.field(sample, "image") is not None:
            return self.taken(sample)
        remedy = "Take masks of real tiles (label_sample.source: real)"
        return self._without(sample, "has no image yet", remedy)

    def _without(self, sample: Any, lacks: str, remedy: str) -> Tensor:
        """The null for a sample, if training has shown it."""
        if not self.dropout:
            found = f"{lacks}, which the condition '{self.name}' of the model always was told"
            remedy = f"{remedy}, or train with a dropout above 0"
            raise InputError(getattr(sample, "id", "sample"), found, remedy)
        return self.untaken

    def turn(self, raw: Tensor, variants: Tensor) -> Tensor:
        """Turned like the image."""
        return turn_each(raw, variants)

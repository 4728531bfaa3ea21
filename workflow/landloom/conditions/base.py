"""What every condition has in common: one thing that a denoiser is told, and how not to tell it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.data.statistics import Statistics
from landloom.data.tensor_rows import Rows
from landloom.errors import InputError

Door = Literal["tokens", "embedding", "hint"]
"""Where a condition enters: ``tokens`` (B, T, D) are attended to, an ``embedding`` (B, D) is added to that of
the time, the channels of a ``hint`` (B, C, H, W) go through the ControlNet."""
Embed = Callable[[Sequence[str]], Tensor]
"""Embeddings (B, T, D) of texts, by the base's text encoder."""


Training = ImageTrainConfig | LabelTrainConfig
"""Sections that say what a denoiser is told."""


@dataclass(frozen=True)
class Host:
    """What conditions must know of the training that they are built for.

    Attributes:
        dataset: classes, bands and scaling.
        column: words of a sample: ``caption`` for images, ``prompt`` for masks.
        words: embeddings of distinct texts (P, T, D), the empty one first.
        time: width of the denoiser's time embedding.
    """

    dataset: Statistics
    column: str
    words: Rows
    time: int


class Condition(ABC):
    """One thing that a denoiser is told.

    Its values for a batch, the *raw* tensor (B, ...), come from the latent cache in training and from samples
    when sampling. The denoiser sends them through ``module``, if there is one, and the door.

    Attributes:
        name: its name in model folders and in guidance.
        door: where it enters.
        follows: a condition without which this one is never told. Guidance by that one then goes away from
            neither of them being told, so training must show that.
        vanishes: whether its tokens are zeros where it is not told, so that nobody may look at them.
        null: raw tensor of "not told", of one sample; dimensions of 1 stand for any size. Training and
            sampling both take it from here.
        dropout: share of training samples to which it is not told.
        module: what is trained for it, from raw to what enters; None when raw enters as it is.
        channels: what each channel of a hint shows; its number is that of the hint's channels.
    """

    name: ClassVar[str]
    door: ClassVar[Door]
    follows: ClassVar[str | None] = None
    vanishes: ClassVar[bool] = False

    def __init__(
        self, null: Tensor, dropout: float, module: nn.Module | None = None, channels: Sequence[str] = ()
    ) -> None:
        self.null, self.dropout, self.module, self.channels = null, dropout, module, list(channels)

    @classmethod
    @abstractmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """The condition as a section of training switches it on; None where it is off."""

    @classmethod
    def recorded(cls, section: EncodeConfig, dataset: Statistics, tiles: Sequence[Path]) -> Tensor | None:
        """Raw tensor (N, ...) of the train tiles of shards, which ``encode`` writes for ``cached``.

        None here: right for what the latent cache holds anyway, or what ``section`` leaves out.
        """
        return None

    @abstractmethod
    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """Raw tensor (B, ...) of rows of the latent cache, given by columns; before they are turned."""

    @abstractmethod
    def load(self, samples: Sequence[Any]) -> Tensor:
        """Raw tensor (B, ...) of samples or requests.

        Raises:
            InputError: they lack what this condition reads.
        """

    def announce(self, rows: Mapping[str, Tensor]) -> None:
        """Begin to read what ``cached`` will need of these rows; nothing here."""
        return

    def turn(self, raw: Tensor, variants: Tensor) -> Tensor:
        """Raw tensor of samples that are turned, each by its own variant (B,) of ``diffusion.symmetry``.

        Unchanged here: right for words and numbers that do not say where something lies.
        """
        return raw

    def practised(self, rows: Mapping[str, Tensor], variants: Tensor) -> Tensor:
        """Raw tensor of rows of the cache, each turned by its own variant (B,), as training shows it."""
        return self.practise(self.turn(self.cached(rows), variants))

    def practise(self, raw: Tensor) -> Tensor:
        """Raw tensor as training shows it: not told at the rate ``dropout``."""
        return self.nulled(raw, torch.rand(len(raw)) < self.dropout)

    def nulled(self, raw: Tensor, where: Tensor) -> Tensor:
        """Raw tensor that is not told to the samples ``where`` (B,) says so."""
        chosen = where.to(raw.device).view(-1, *[1] * (raw.ndim - 1))
        return torch.where(chosen, self.null.to(raw), raw)

    def untold(self, raw: Tensor) -> Tensor:
        """To which samples (B,) it is not told."""
        return (raw == self.null.to(raw)).flatten(1).all(1)

    def settings(self) -> dict[str, Any]:
        """What ``read`` needs beside the files of ``save``, for JSON."""
        return {"dropout": self.dropout}

    def save(self, folder: Path) -> None:
        """Write what was trained for it into a model folder; nothing here."""
        return

    @classmethod
    @abstractmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """The condition that ``save`` and ``settings`` wrote, ready to load samples."""

    def field(self, sample: Any, name: str) -> Any:
        """A field of a sample.

        Raises:
            InputError: the sample has no such field.
        """
        if not hasattr(sample, name):
            found = f"has no '{name}', which the condition '{self.name}' of the model reads"
            remedy = "Take a model without this condition, or samples that have it"
            raise InputError(getattr(sample, "id", type(sample).__name__), found, remedy)
        return getattr(sample, name)

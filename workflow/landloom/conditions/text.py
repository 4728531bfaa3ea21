"""Words, through the tokens' door: the caption of an image or the prompt of a mask."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from landloom.conditions.base import Condition, Embed, Host, Training
from landloom.data.tensor_rows import Rows, announce

FILE = "text.safetensors"


class Text(Condition):
    """Words. Not told is the empty text; its embedding as training had it is kept in the model folder.

    Args:
        words: distinct texts (P, ...), the empty one first: embeddings (T, D), or token ids (T,) if the
            ``encoder`` learns along.
        column: what is read of a sample, ``caption`` or ``prompt``; in a cache, rows of ``words``.
        dropout: share of samples that learn under the empty text.
        encoder: text encoder, for token ids.
        embed: what embeds texts of samples.
    """

    name = "text"
    door = "tokens"

    def __init__(
        self, words: Rows, column: str, dropout: float, encoder: nn.Module | None = None,
        embed: Embed | None = None,
    ) -> None:  # fmt: skip
        super().__init__(words[0], dropout, Encoder(encoder) if encoder is not None else None)
        self.words, self.column, self.embed = words, column, embed

    @classmethod
    def told(cls, section: Training, host: Host) -> Self:
        """Of every generator."""
        return cls(host.words, host.column, section.caption_dropout)

    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """Embeddings (B, T, D) or token ids (B, T)."""
        return self.words[rows[self.column]]

    def announce(self, rows: Mapping[str, Tensor]) -> None:
        """Begin to read the embeddings."""
        announce(self.words, rows[self.column])

    def load(self, samples: Sequence[Any]) -> Tensor:
        """Embeddings (B, T, D); without words, that of the empty text."""
        assert self.embed is not None
        texts = [self.field(s, self.column) or "" for s in samples]
        return self.nulled(self.embed(texts), torch.tensor([not t for t in texts]))

    def settings(self) -> dict[str, Any]:
        """Rate and column."""
        return super().settings() | {"column": self.column}

    def save(self, folder: Path) -> None:
        """Keep the embedding of the empty text: a sampler may work in other precision, and get another."""
        save_file({"null": self.null.contiguous()}, folder / FILE)

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Words for a sampler."""
        null = load_file(folder / FILE)["null"]
        return cls(null[None], settings["column"], settings["dropout"], embed=embed)


class Encoder(nn.Module):
    """A text encoder that answers with a tensor."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, tokens: Tensor) -> Tensor:
        """Embeddings (B, T, D) of token ids (B, T)."""
        return torch.as_tensor(self.encoder(tokens)[0])

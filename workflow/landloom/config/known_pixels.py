"""The condition ``known_pixels``: pixels that the generated image shall keep (in-painting)."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section


class KeptPixelsConfig(Section):
    """The pixels that are kept of each tile: all of them, so there is nothing to set."""


class KnownPixelsConfig(KeptPixelsConfig):
    """How known pixels are told in training: each tile's own, but for a hole that is drawn anew each time."""

    holes: tuple[Literal["boxes", "blobs", "classes"], ...] = Field(
        default=("boxes", "blobs", "classes"), min_length=1
    )
    """Kinds of holes, each as frequent: rectangles, round shapes such as clouds, and all pixels of one class
    of the tile (a shape where it has fewer than two)."""
    least: float = Field(default=0.1, gt=0, le=0.9)
    """Smallest share of a tile that a rectangle or a round shape covers."""
    most: float = Field(default=0.7, gt=0, le=0.9)
    """Largest share of a tile that a rectangle or a round shape covers."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images of which no pixel is told, for guidance and for samples that know none."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least, {self.least:g}, is above most, {self.most:g}; swap them")
        return self

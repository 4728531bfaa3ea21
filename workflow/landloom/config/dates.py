"""The condition ``dates``: images of the same place at other days."""

from pydantic import Field

from landloom.config.section import Section


class LayersOfDatesConfig(Section):
    """Images of other days that are laid over each tile."""

    most: int = Field(default=4, ge=1, le=16)
    """Days at most; the nearest to the tile's own are taken, or the last ones if its own is not known."""


class KeptDatesConfig(Section):
    """The other days that are kept of each tile: those of ``tile.dates``, so there is nothing to set."""


class DatesConfig(KeptDatesConfig):
    """How other days are told in training: of each tile a part of them, drawn anew each time."""

    stem: int = Field(default=16, ge=4)
    """Channels of the small network that looks at each day, and of what it hands on."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images of which no other day is told, for guidance and for samples that have none."""

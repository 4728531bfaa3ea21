"""The condition ``boxes``: where objects stand, at which angle, and where one ends and the next begins."""

from pydantic import Field

from landloom.config.section import Section


class KeptBoxesConfig(Section):
    """The objects that are kept of each tile: all of them, so there is nothing to set."""


class BoxesConfig(KeptBoxesConfig):
    """How objects are told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images without them, for guidance and for samples of which nobody knows objects."""

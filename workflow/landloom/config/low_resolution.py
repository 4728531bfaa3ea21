"""The condition ``low_resolution``: a coarse image that the generated one shall agree with."""

from pydantic import Field

from landloom.config.section import Section


class CoarseConfig(Section):
    """The coarse image that is kept of each tile."""

    factor: int = Field(default=8, ge=2)
    """Pixels of the tile, per side, that one coarse pixel is the mean of; tile.size must be a multiple."""


class LowResolutionConfig(CoarseConfig):
    """How the coarse image is told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images without it, for guidance and for samples that have no image."""

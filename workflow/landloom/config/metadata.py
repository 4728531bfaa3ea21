"""The condition ``metadata``: when, where and how an image was taken."""

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from landloom.config.section import Section


class MetadataConfig(Section):
    """How place, ground sampling distance, cloud and date are told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images of which nothing of it is told, for guidance."""
    hidden: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images to which each field alone is not told, so that any may be unknown."""


class MetadataWish(Section):
    """Metadata that generated samples shall have; what is left out is unknown."""

    lon: float | None = Field(default=None, ge=-180, le=180)
    """Longitude in degrees east; only with lat."""
    lat: float | None = Field(default=None, ge=-90, le=90)
    """Latitude in degrees north; only with lon."""
    gsd: float | None = Field(default=None, gt=0)
    """Ground sampling distance in metres."""
    cloud: float | None = Field(default=None, ge=0, le=1)
    """Share of cloud, 0 to 1."""
    acquired: date | None = None
    """Day of acquisition, as YYYY-MM-DD."""

    @model_validator(mode="after")
    def _place(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat belong together")
        return self

"""The condition ``metadata``: when, where and how an image was taken."""

from pydantic import Field

from landloom.config.section import Section


class MetadataConfig(Section):
    """How place, ground sampling distance, cloud and date are told."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images of which nothing of it is told, for guidance."""
    hidden: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images to which each field alone is not told, so that any may be unknown."""

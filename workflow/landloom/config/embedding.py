"""The condition ``embedding``: what a network sees in the tile itself, so that images are its variations."""

from pydantic import Field

from landloom.config.section import Section


class KeptEmbeddingConfig(Section):
    """The features that are kept of each tile."""

    extractor: str = "efficientnet_lite0"
    """Network whose features are told: 'efficientnet_lite0', of the packages landloom[features], or the
    folder of a vision transformer, as transformers saves it (safetensors). It sees the natural-colour bands
    alone. A folder that changes needs another name."""
    grid: int = Field(default=4, ge=1, le=16)
    """Places along a side of the tile at which features are told, each the mean of its surroundings; 1 is one
    vector a tile."""


class EmbeddingConfig(KeptEmbeddingConfig):
    """How features are told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images without them, for guidance and for samples that have no image."""

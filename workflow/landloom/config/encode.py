"""``encode``: latents and text embeddings, computed once."""

from typing import Literal

from pydantic import Field

from landloom.config.boxes import KeptBoxesConfig
from landloom.config.dates import KeptDatesConfig
from landloom.config.edges import EdgeConfig
from landloom.config.embedding import KeptEmbeddingConfig
from landloom.config.known_pixels import KeptPixelsConfig
from landloom.config.low_resolution import CoarseConfig
from landloom.config.map import KeptMapConfig
from landloom.config.section import NetworkSection


class EncodeConfig(NetworkSection):
    """Settings of the latent cache."""

    augment: Literal["none", "flip", "d4"] = "d4"
    """Copies of each tile in the cache: as it is, 2 mirrors, or all 8 of the square."""
    batch: int = Field(default=32, ge=1)
    """Tiles encoded at once."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the encoders."""
    low_resolution: CoarseConfig | None = None
    """Keep a coarse image of each tile, for generators with image_train.low_resolution; off when absent."""
    edges: EdgeConfig | None = None
    """Keep the edges of each tile, for generators with image_train.edges; off when absent."""
    known_pixels: KeptPixelsConfig | None = None
    """Keep the pixels of each tile, for generators with image_train.known_pixels; off when absent, on with
    {}."""
    dates: KeptDatesConfig | None = None
    """Keep the other days of each tile, for generators with image_train.dates; off when absent, on with {}.
    Needs tile.dates."""
    map: KeptMapConfig | None = None
    """Keep the map of each tile, for generators with image_train.map; off when absent, on with {}. Needs
    data.map."""
    boxes: KeptBoxesConfig | None = None
    """Keep the objects of each tile as maps, for generators with image_train.boxes; off when absent, on with
    {}. Needs data.objects."""
    embedding: KeptEmbeddingConfig | None = None
    """Keep what a network sees in each tile, for generators with image_train.embedding; off when absent, on
    with {}."""

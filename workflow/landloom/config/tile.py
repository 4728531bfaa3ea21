"""``tile``: windows over scenes."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from landloom.config.dates import LayersOfDatesConfig
from landloom.config.section import Section


class TileConfig(Section):
    """Settings of the windows."""

    size: int = Field(default=512, ge=16, multiple_of=8)
    """Side of a tile in pixels."""
    stride: int | None = Field(default=None, ge=1)
    """Step between training tiles; the size when absent. Val and test step by the size.

    The last tile of a row or column ends at the edge, so it may overlap the one before it.
    """
    pad: bool = False
    """Also cut a tile from a training scene that is smaller than one; the part outside is ignored.

    Scenes of val and test are never left out."""
    min_valid: float = Field(default=0.9, gt=0, le=1)
    """Smallest share of pixels with a class and image data; training tiles below it are left out.

    Padding does not count. Val and test tiles stay as long as one pixel has a class, so that what a score is
    taken on depends on no setting of the training.
    """
    scenes_per_shard: int = Field(default=1, ge=1, le=500)
    """Scenes that one job cuts into one shard; raise it when scenes are many small files."""
    scales: list[Annotated[int, Field(ge=1)]] = [1]
    """Levels of a pyramid. At scale s a side of a tile shows s times as many pixels of the scene: each of its
    own is the mean of s x s of them, and in the mask the class of most. Generators that are told metadata
    learn all levels, each as often, and a base from scratch does, too. Plans, mixes, judges and scores stay
    with scale 1."""
    dates: LayersOfDatesConfig | None = None
    """Lay images of the same place at other days over each tile, for generators with image_train.dates; off
    when absent, on with {}. Needs scenes with a place and a known day."""

    @model_validator(mode="after")
    def _stride(self) -> Self:
        if self.stride is not None and self.stride > self.size:
            raise ValueError("stride must not exceed size: pixels between tiles would never be used")
        return self

    @field_validator("scales")
    @classmethod
    def _levels(cls, scales: list[int]) -> list[int]:
        if twice := [s for s in scales if scales.count(s) > 1]:
            raise ValueError(f"{twice[0]} stands there twice; remove it")
        if 1 not in scales:
            raise ValueError("1 is missing, the scale that plans, mixes and scores are for; add it")
        return sorted(scales)

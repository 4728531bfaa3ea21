"""``curate``: how far each pixel and each sample can be trusted."""

from pydantic import Field

from landloom.config.section import NetworkSection, Section


class Memory(Section):
    """Memorisation audit: is an image a copy of a real train tile?"""

    quantile: float = Field(default=0.01, ge=0, lt=1)
    """Copies are images nearer to a train tile than all but this share of real tiles; 0 rejects none."""
    share: float = Field(default=0.95, gt=0, le=1)
    """Copies are also images pieced together from real tiles, one of which gives more than this share of the
    pixels; features are blind to how it was turned. 1 rejects none."""


class CurateConfig(NetworkSection):
    """Settings of curation."""

    network: str | None = None
    """Which of segment.networks judges; the first when absent. Its real-only training is used."""
    tolerance: float = Field(default=1.25, gt=0)
    """A pixel is doubted when its loss exceeds this times its class's mean loss on real data."""
    min_agreement: float = Field(default=0.0, ge=0, le=1)
    """Samples whose mask agrees with the judge on a smaller share of pixels are rejected."""
    min_relative: float = Field(default=0.0, ge=0)
    """The same, relative to the judge's agreement on real val tiles with the sample's classes."""
    min_realism: float = Field(default=0.0, ge=0)
    """Samples with a smaller realism score (distance to real features; 1 is among them) are rejected."""
    min_trust: float = Field(default=0.0, ge=0, le=1)
    """Pixels trusted less than this are ignored in training."""
    detector: str | None = None
    """Which of detect.networks looks whether images hold the objects that were asked for. Its real-only
    training is used, and of its boxes those that are as sure as serves best on real val tiles. None looks."""
    min_found: float = Field(default=0.0, ge=0, le=1)
    """Samples are rejected of whose objects it finds a smaller share."""
    max_unasked: float = Field(default=1.0, ge=0, le=1)
    """Samples are rejected in which a larger share of what it finds was not asked for."""
    memory: Memory = Memory()
    """Memorisation audit against the real train tiles."""

    @property
    def compares(self) -> bool:
        """Whether images are compared with real tiles, which needs the feature extractor."""
        return self.memory.quantile > 0 or self.min_realism > 0

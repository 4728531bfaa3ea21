"""``curate``: how far each pixel and each sample can be trusted."""

from pydantic import Field

from landloom.config.section import Section


class CurateConfig(Section):
    """Settings of curation."""

    network: str | None = None
    """Which of segment.networks judges; the first when absent. Its real-only training is used."""
    tolerance: float = Field(default=1.25, gt=0)
    """A pixel is doubted when its loss exceeds this times its class's mean loss on real data."""
    min_agreement: float = Field(default=0.0, ge=0, le=1)
    """Samples whose mask agrees with the judge on a smaller share of pixels are rejected."""
    min_trust: float = Field(default=0.0, ge=0, le=1)
    """Pixels trusted less than this are ignored in training."""

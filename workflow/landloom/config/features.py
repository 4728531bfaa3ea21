"""``features``: which features pictures are compared by, computed once for all real train tiles."""

from typing import Literal

from pydantic import Field

from landloom.config.section import NetworkSection


class FeaturesConfig(NetworkSection):
    """Settings of the feature extractor, in evaluation and in the memorisation audit."""

    extractor: Literal["efficientnet_lite0", "inception"] = "efficientnet_lite0"
    """Network whose features are compared; always named beside the numbers."""
    weights: str | None = None
    """Inception weights (a TorchScript or state file of torch-fidelity) when extractor is 'inception'."""
    batch: int = Field(default=32, ge=1)
    """Images at once on a GPU; a CPU takes few, which is faster there."""

"""Which features pictures are compared by."""

from typing import Literal

from landloom.config.section import Section


class Features(Section):
    """Choice of the feature extractor."""

    extractor: Literal["efficientnet_lite0", "inception"] = "efficientnet_lite0"
    """Network whose features are compared; always named beside the numbers."""
    weights: str | None = None
    """Inception weights (a TorchScript or state file of torch-fidelity) when extractor is 'inception'."""


class Extractors(Section):
    """All choices of one config, for the check."""

    places: dict[str, Features] = {}
    """Choices by where they stand in the config, such as 'curate.memory'."""

"""``mix``: real tiles and synthetic pairs in one training set."""

from typing import Literal

from pydantic import Field

from landloom.config.section import Section


class MixConfig(Section):
    """Settings of the mixes."""

    ratios: list[float] = Field(default=[0.4], min_length=1)
    """Synthetic shares to try; the set without synthetic data is always made."""
    of: Literal["real", "total"] = "real"
    """What a ratio means: synthetic samples per real one, or their share of the whole set."""

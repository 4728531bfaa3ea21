"""``mix``: real tiles and synthetic pairs in one training set."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section


class MixConfig(Section):
    """Settings of the mixes."""

    ratios: list[Annotated[float, Field(gt=0)]] = Field(default=[0.4], min_length=1)
    """Synthetic shares to try, as ``of`` reads them; the set without synthetic data is always made."""
    of: Literal["real", "total", "alone"] = "real"
    """What a ratio means: synthetic samples per real one; their share of the whole set; or, with 'alone',
    synthetic samples per real one, but without the real ones: what can be learned from them by themselves.

    Both readings stand in the tables, the share as ``synthetic_share``."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if len({f"{r:g}" for r in self.ratios}) < len(self.ratios):  # as they stand in paths
            raise ValueError("a ratio is given twice; they are told apart by six digits")
        if self.of == "total" and max(self.ratios) >= 1:
            raise ValueError("a share of the total must be below 1; real data would be left out")
        return self

    def pairs(self, ratio: float, real: int) -> int:
        """Synthetic samples that a ratio asks for, where there are ``real`` train tiles."""
        share = ratio / (1 - ratio) if self.of == "total" else ratio
        return round(share * real)

"""``ratios``: class proportions, prior, and radiometric scaling of the dataset."""

from typing import Literal, Self

from pydantic import model_validator

from landloom.config.section import Section


class RatiosConfig(Section):
    """Settings of the dataset statistics."""

    scale: Literal["percentile", "dtype", "range"] = "percentile"
    """What is mapped to [-1, 1] per band: percentiles of the train tiles, the dtype's range, or ``range``."""
    percentiles: tuple[float, float] = (1.0, 99.0)
    """Lower and upper percentile."""
    range: tuple[float, float] | None = None
    """Lower and upper value for every band, when scale is 'range'."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise ValueError("percentiles must ascend, from 0 to 100")
        if (self.range is None) == (self.scale == "range"):
            raise ValueError("range is needed with scale: range, and only then")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("range must ascend")
        return self

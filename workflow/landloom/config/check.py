"""``check``: what is looked at before any job starts."""

from typing import Annotated

from pydantic import Field

from landloom.config.section import Section

Splits = Annotated[str, Field(pattern=r"^(train|val|test|unlabelled)(\+(train|val|test|unlabelled))*$")]
"""A split, or several joined by '+'."""


class Published(Section):
    """Numbers that a public data set states of itself."""

    source: str = Field(min_length=1)
    """Who states them; stands in the warnings."""
    scenes: dict[Splits, Annotated[int, Field(ge=0)]] = {}
    """Scenes by split, such as ``{train+val: 24, test: 14}``. Blocks inside scenes count as none of them."""
    shares: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """Shares of classes in the pixels of all classes, in all splits."""
    tolerance: float = Field(default=0.02, gt=0, le=1)
    """How far a share may lie from the one that is stated."""


class CheckConfig(Section):
    """Settings of the check."""

    mask_pixels: int = Field(default=50_000_000, ge=0)
    """Mask pixels to look at for unknown values, over all scenes; 0 looks at none."""
    free_disk_gb: float | None = Field(default=None, ge=0)
    """Free disk space that must be there for the results. When absent, a run must find what its tiles and
    samples will take, as ``landloom estimate`` says it, less what is there."""
    published: Published | None = None
    """Numbers that the data set's authors state; what differs is a warning, one line each."""

"""``detect_table``: what detectors find, and what synthetic samples add."""

from pydantic import Field

from landloom.config.section import Section


class DetectTableConfig(Section):
    """Settings of the table of detectors."""

    draws: int = Field(default=2000, ge=100)
    """Draws of test ground and seeds from which intervals are taken."""
